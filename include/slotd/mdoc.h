#pragma once

/** Text for manual pages in mdoc(7), printed while building. */

#include <stdio.h>

/** Prints a paragraph, a line for each sentence, so that nothing in it is a macro or an escape. */
void mdoc_text(FILE *to, const char *text);
/** Prints text that must stay on its line, such as arguments of a macro. */
void mdoc_words(FILE *to, const char *text);
