#include <slotd/level.h>

#include <slotd/cleanup.h>

#include <strings.h>
#include <syslog.h>

const struct level_word level_words[] = {
	{"critical", LOG_CRIT}, {"error", LOG_ERR},	{"warn", LOG_WARNING},
	{"info", LOG_INFO},	{"debug", LOG_DEBUG},	{"trace", LOG_DEBUG},
	{"blather", LOG_DEBUG}, {"notice", LOG_NOTICE}, {"warning", LOG_WARNING, .spoken = true},
};
const size_t n_level_words = ARRAY_SIZE(level_words);

const struct level_word *level_find(const char *name)
{
	for (size_t i = 0; i < n_level_words; i++) {
		if (strcasecmp(level_words[i].name, name) == 0) {
			return &level_words[i];
		}
	}
	return NULL;
}
