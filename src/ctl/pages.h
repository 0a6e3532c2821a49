#pragma once

/** The parts of slotctl(1) and of the completions that are made of the table of commands. */

#include <slotd/command.h>
#include <stdio.h>

/** The commands of a topic, as items of a list in mdoc(7). */
void pages_man(FILE *to, enum command_topic topic);
/** Names, with what may follow each, for the shell. */
void pages_bash(FILE *to);
void pages_zsh(FILE *to);
void pages_fish(FILE *to);
