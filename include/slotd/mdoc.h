#pragma once

/** Text for manual pages in mdoc(7), printed while building. */

#include <stdio.h>

/** A paragraph: nothing in it is a macro or an escape, and each sentence is a line. */
void mdoc_text(FILE *to, const char *text);
/** What stays on its line, such as arguments of a macro. */
void mdoc_words(FILE *to, const char *text);
