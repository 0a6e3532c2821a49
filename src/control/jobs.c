#include "jobs.h"

#include <string.h>

static struct job *job_free(struct job *j)
{
	free(j->service);
	free(j->who);
	free(j->release);
	free(j->text);
	free(j);
	return NULL;
}

void jobs_done(struct jobs *jobs)
{
	vec_for_each (j, &jobs->list) {
		job_free(*j);
	}
	vec_done(&jobs->list);
}

struct job *jobs_find(const struct jobs *jobs, int64_t number)
{
	vec_for_each (j, &jobs->list) {
		if ((*j)->number == number) {
			return *j;
		}
	}
	return NULL;
}

int64_t jobs_last(const struct jobs *jobs, const char *service)
{
	int64_t last = 0;

	vec_for_each (j, &jobs->list) {
		if ((*j)->service && strcmp((*j)->service, service) == 0 && (*j)->number > last) {
			last = (*j)->number;
		}
	}
	return last;
}

const struct job *jobs_last_done(const struct jobs *jobs, const char *service)
{
	const struct job *last = NULL;

	vec_for_each (j, &jobs->list) {
		if ((*j)->done && (*j)->service && strcmp((*j)->service, service) == 0 &&
		    (!last || (*j)->number > last->number)) {
			last = *j;
		}
	}
	return last;
}

struct job *jobs_take(struct jobs *jobs, int64_t number)
{
	struct job *j = jobs_find(jobs, number);

	if (j) {
		return j;
	}
	j = calloc(1, sizeof(*j));
	if (!j) {
		return NULL;
	}
	if (vec_push(&jobs->list, j) < 0) {
		return job_free(j);
	}
	j->number = number;
	if (jobs->list.len > JOBS_MAX) {
		job_free(jobs->list.at[0]);
		vec_remove(&jobs->list, 0);
	}
	return j;
}

static bool set_text(char **text, const struct message *m, enum message_tag tag)
{
	char *copy = message_has(m, tag) ? strdup(message_str(m, tag)) : NULL;

	if (copy) {
		free(*text);
		*text = copy;
	}
	return copy || !message_has(m, tag);
}

struct job *jobs_apply(struct jobs *jobs, const struct message *m)
{
	struct job *j = jobs_take(jobs, message_i64(m, TAG_JOB));

	if (!j || !set_text(&j->service, m, TAG_SERVICE) || !set_text(&j->who, m, TAG_WHO) ||
	    !set_text(&j->release, m, TAG_RELEASE) || !set_text(&j->text, m, TAG_TEXT)) {
		return NULL;
	}
	j->kind = message_i64(m, TAG_KIND);
	j->step = message_i64(m, TAG_STEP);
	j->code = message_i64(m, TAG_CODE);
	j->done = message_u64(m, TAG_DONE) != 0;
	j->ended = message_u64(m, TAG_STOPPED);
	return j;
}

void jobs_lose(struct jobs *jobs)
{
	vec_for_each (j, &jobs->list) {
		if (!(*j)->done) {
			char *text =
				strdup("slotd was restarted in the meantime; look at the status");

			free((*j)->text);
			(*j)->text = text;
			(*j)->done = true;
			(*j)->code = JOB_CODE_UNKNOWN;
		}
	}
}
