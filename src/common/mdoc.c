#include <slotd/mdoc.h>

#include <stdbool.h>

static void put(FILE *to, const char *text, bool sentences)
{
	bool line_start = sentences;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\'')) {
			fputs("\\&", to);
		}
		line_start = *text == '\n';
		switch (*text) {
		case '\\':
			fputs("\\e", to);
			break;
		case '-':
			fputs("\\-", to);
			break;
		case '.':
			fputc('.', to);
			if (sentences && text[1] == ' ') {
				fputc('\n', to);
				line_start = true;
				text++;
			}
			break;
		default:
			fputc(*text, to);
		}
	}
}

void mdoc_text(FILE *to, const char *text)
{
	put(to, text, true);
}

void mdoc_words(FILE *to, const char *text)
{
	put(to, text, false);
}
