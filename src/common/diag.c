#include <slotd/diag.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int set(struct diag *diag, int code, const char *file, unsigned line, const char *fmt,
	       va_list ap)
{
	if (!diag) {
		return code;
	}
	diag->code = code;
	diag->line = line;
	(void)snprintf(diag->file, sizeof(diag->file), "%s", file ? file : "");
	(void)vsnprintf(diag->text, sizeof(diag->text), fmt, ap);
	return code;
}

int diag_set(struct diag *diag, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(diag, code, NULL, 0, fmt, ap);
	va_end(ap);
	return code;
}

int diag_set_at(struct diag *diag, int code, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(diag, code, file, line, fmt, ap);
	va_end(ap);
	return code;
}

int diag_set_errno(struct diag *diag, int code, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	set(diag, code, NULL, 0, fmt, ap);
	va_end(ap);
	if (diag) {
		len = strlen(diag->text);
		(void)snprintf(diag->text + len, sizeof(diag->text) - len, ": %s", strerror(-code));
	}
	return code;
}

int diag_prefix(struct diag *diag, const char *fmt, ...)
{
	char text[DIAG_TEXT_MAX];
	va_list ap;
	size_t len;

	if (!diag) {
		return 0;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = strlen(text);
	(void)snprintf(text + len, sizeof(text) - len, ": %s", diag->text);
	memcpy(diag->text, text, sizeof(text));
	return diag->code;
}

const char *diag_format(const struct diag *diag, char *buf, unsigned size)
{
	if (diag->file[0] && diag->line) {
		(void)snprintf(buf, size, "%s:%u: %s", diag->file, diag->line, diag->text);
	} else if (diag->file[0]) {
		(void)snprintf(buf, size, "%s: %s", diag->file, diag->text);
	} else {
		(void)snprintf(buf, size, "%s", diag->text);
	}
	return buf;
}
