#include "show/publish.h"
#include "deploy/jobs.h"
#include "handoff/relay_pages.h"
#include "link/helpers.h"
#include "link/servers.h"
#include "service/service.h"
#include "show/config_json.h"
#include "show/process_publish.h"
#include "show/service_publish.h"
#include "worker/process.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

/*
 * What control's mirror shows. Changes are collected and sent at the end of a turn, at most every
 * PACE and only while the channel is empty, always the newest state: a crash loop or a slow
 * control costs no more than that. While slotd-spawn makes a worker of which is to be told, all
 * waits for MAKING. An answer first pushes out what is still collected, so that whoever asked sees
 * what came of it.
 */

#define RETRY_AFTER MSECONDS(100)
#define AGAIN_AFTER SECONDS(1)
#define PACE	    MSECONDS(20)
#define MAKING	    MSECONDS(2)

struct publish {
	struct supervisor *sup;
	struct loop_idle idle;
	struct loop_timer timer;
	usec_t last;
	uint64_t generation;
	VEC(struct process *) processes;
	VEC(struct group *) groups;
	VEC(struct service *) services;
	VEC(uint32_t) gone_processes;
	VEC(char *) gone_groups;
	struct loop_timer again; /* when everything is sent once more */
	bool lacks;		 /* of what is being sent something vital is lost */
	struct log_once missed_told;
	bool daemon, configs, jobs, sync; /* jobs: those without a service; sync: SYNCED follows */
	bool new_configs;		  /* those of before are none any more */
	size_t next_config;
};

static struct publish *publish_of(const struct supervisor *sup)
{
	return sup->publish;
}

static struct helper *control_of(const struct supervisor *sup)
{
	return helper_of((struct supervisor *)sup, HELPER_CONTROL);
}

static bool sendable(const struct supervisor *sup)
{
	struct helper *h = control_of(sup);

	return h && channel_open(&h->channel);
}

/* ---- one object, one message */

static int send_process(struct process *p)
{
	uint64_t generation = publish_of(p->sup)->generation + 1;
	int r = process_publish(p, generation, control_of(p->sup));

	if (r == 0) {
		p->dirty = false;
		p->generation = publish_of(p->sup)->generation = generation;
	}
	return r;
}

static int send_group(struct group *g)
{
	struct message m;
	int r;

	message_init(&m, MSG_STATE_GROUP, 0);
	message_put_text(&m, TAG_NAME, g->name);
	message_put_u64(&m, TAG_PRIORITY, (uint64_t)(int64_t)g->priority);
	r = helper_send(control_of(g->sup), &m);
	if (r == 0) {
		g->dirty = false;
	}
	return r;
}

static int send_service(struct service *s)
{
	return service_publish(s, control_of(s->sup));
}

static int send_daemon(struct supervisor *sup)
{
	struct message m;

	message_init(&m, MSG_STATE_DAEMON, 0);
	message_put_i64(&m, TAG_STATE, sup->mood);
	message_put_u64(&m, TAG_PID, (uint64_t)getpid());
	message_put_text(&m, TAG_IDENTIFIER, sup->config->supervisord.identifier);
	message_put_text(&m, TAG_VERSION, SLOTD_VERSION);
	message_put_u64(&m, TAG_SINCE, sup->started_wall);
	message_put_u64(&m, TAG_COUNT, sup->options.upgrades);
	message_put_text(&m, TAG_NOTE, sup->options.upgrade_failed);
	return helper_send(control_of(sup), &m);
}

static int send_process_gone(struct supervisor *sup, uint32_t id)
{
	struct message m;

	message_init(&m, MSG_STATE_WORKER_GONE, 0);
	message_put_u64(&m, TAG_WORKER, id);
	return helper_send(control_of(sup), &m);
}

static int send_group_gone(struct supervisor *sup, const char *name)
{
	struct message m;

	message_init(&m, MSG_STATE_GROUP_GONE, 0);
	message_put_text(&m, TAG_NAME, name);
	return helper_send(control_of(sup), &m);
}

static int send_plain(struct supervisor *sup, enum message_type type)
{
	struct message m;

	message_init(&m, type, 0);
	return helper_send(control_of(sup), &m);
}

/* ---- the available configuration, one message a process */

static int send_config(struct supervisor *sup, const struct worker_config *w,
		       const struct group_config *g)
{
	auto_free char *json = config_json(w, g);
	struct message m;

	if (!json) {
		return -ENOMEM;
	}
	message_init(&m, MSG_STATE_CONFIG, 0);
	message_put_text(&m, TAG_NAME, w->name);
	message_put_text(&m, TAG_GROUP, g->name);
	message_put_text(&m, TAG_JSON, json);
	return helper_send(control_of(sup), &m);
}

static int send_configs(struct publish *pub)
{
	struct supervisor *sup = pub->sup;
	size_t n = 0;
	int r = pub->new_configs ? send_plain(sup, MSG_STATE_CONFIG_GONE) : 0;

	if (r == 0) {
		pub->new_configs = false;
	}
	vec_for_each (g, &sup->config->groups) {
		vec_for_each (w, &(*g)->workers) {
			if (r == 0 && n++ >= pub->next_config) {
				r = send_config(sup, *w, *g);
				pub->next_config += r == 0;
			}
		}
	}
	if (r == 0) {
		pub->configs = false;
		pub->next_config = 0;
	}
	return r;
}

/* ---- sending what has collected */

static int flush_gone(struct publish *pub)
{
	int r = 0;

	while (r == 0 && pub->gone_processes.len) {
		r = send_process_gone(pub->sup, pub->gone_processes.at[0]);
		if (r == 0) {
			vec_remove(&pub->gone_processes, 0);
		}
	}
	while (r == 0 && pub->gone_groups.len) {
		r = send_group_gone(pub->sup, pub->gone_groups.at[0]);
		if (r == 0) {
			free(pub->gone_groups.at[0]);
			vec_remove(&pub->gone_groups, 0);
		}
	}
	return r;
}

/* Sends the first ones of a list and takes them off it. */
#define FLUSH_LIST(list, send)                                                       \
	({                                                                           \
		size_t sent_ = 0;                                                    \
		int r_ = 0;                                                          \
		while (sent_ < (list)->len && (r_ = send((list)->at[sent_])) == 0) { \
			sent_++;                                                     \
		}                                                                    \
		memmove((list)->at, (list)->at + sent_,                              \
			((list)->len - sent_) * sizeof(*(list)->at));                \
		(list)->len -= sent_;                                                \
		r_;                                                                  \
	})

/* Gone ones first: an index may be another worker's already. */
static int flush(struct publish *pub)
{
	struct supervisor *sup = pub->sup;
	int r = pub->daemon ? send_daemon(sup) : 0;

	if (r == 0) {
		pub->daemon = false;
		r = flush_gone(pub);
	}
	if (r == 0 && pub->groups.len) {
		r = FLUSH_LIST(&pub->groups, send_group);
	}
	if (r == 0 && pub->processes.len) {
		r = FLUSH_LIST(&pub->processes, send_process);
	}
	if (r == 0 && pub->services.len) {
		r = FLUSH_LIST(&pub->services, send_service);
	}
	if (r == 0 && pub->jobs) {
		r = jobs_publish(sup, NULL, control_of(sup));
		pub->jobs = r < 0;
	}
	if (r == 0 && pub->configs) {
		r = send_configs(pub);
	}
	/* What was lost of it is sent once more: until then nothing is gone, and nobody let in. */
	if (r == 0 && pub->sync && !pub->lacks) {
		r = send_plain(sup, MSG_STATE_SYNCED);
		pub->sync = r < 0;
	}
	return r;
}

static bool anything(const struct publish *pub)
{
	return pub->daemon || pub->configs || pub->jobs || pub->sync || pub->groups.len ||
	       pub->processes.len || pub->services.len || pub->gone_processes.len ||
	       pub->gone_groups.len;
}

static void run(struct publish *pub)
{
	usec_t now = usec_monotonic();

	if (!sendable(pub->sup) || !channel_idle(&control_of(pub->sup)->channel)) {
		return; /* refilled when it is back; drained tells */
	}
	if (now < usec_add(pub->last, PACE)) {
		loop_timer_set(pub->sup->loop, &pub->timer, usec_add(pub->last, PACE));
		return;
	}
	if (anything(pub)) {
		pub->last = now;
		if (flush(pub) < 0) { /* what was not sent stays collected, and is not forgotten */
			loop_timer_set(pub->sup->loop, &pub->timer, usec_add(now, RETRY_AFTER));
		}
	}
}

static bool any_being_made(const struct publish *pub)
{
	vec_for_each (p, &pub->processes) {
		if ((*p)->call) {
			return true;
		}
	}
	return false;
}

/* A worker that is being made has its pid soon, and slotd-control would run in its place. */
static void on_idle(struct loop_idle *idle)
{
	struct publish *pub = container_of(idle, struct publish, idle);

	if (!any_being_made(pub)) {
		run(pub);
	} else if (pub->timer.at == USEC_NEVER) {
		loop_timer_set(pub->sup->loop, &pub->timer, usec_add(usec_monotonic(), MAKING));
	}
}

static void on_timer(struct loop_timer *t)
{
	run(container_of(t, struct publish, timer));
}

static void soon(struct publish *pub)
{
	loop_idle_queue(pub->sup->loop, &pub->idle);
}

static void again(struct publish *pub)
{
	if (pub->again.at == USEC_NEVER) {
		loop_timer_set(pub->sup->loop, &pub->again,
			       usec_add(usec_monotonic(), AGAIN_AFTER));
	}
}

static void lose(struct publish *pub, bool vital)
{
	pub->lacks = pub->lacks || vital;
	again(pub);
}

/* A change that could not be noted. */
static void missed(struct publish *pub)
{
	if (log_once(&pub->missed_told, usec_monotonic(), NULL)) {
		log_line(LOG_ERR, "slotd-control is told everything once more: %s",
			 strerror(ENOMEM));
	}
	lose(pub, true);
}

/* It is in a list, or (r < 0) there was no memory for it. Returns whether it is. */
static bool collected(struct publish *pub, int r)
{
	if (r < 0) {
		missed(pub);
	}
	soon(pub);
	return r == 0;
}

/* ---- changes */

void publish_process(struct process *p)
{
	struct publish *pub = publish_of(p->sup);

	if (!p->dirty && p->worker.id != UINT32_MAX) {
		p->dirty = collected(pub, vec_push(&pub->processes, p));
	}
}

int publish_process_added(struct process *p)
{
	publish_process(p);
	return 0;
}

void publish_group(struct group *g)
{
	struct publish *pub = publish_of(g->sup);

	if (!g->dirty) {
		g->dirty = collected(pub, vec_push(&pub->groups, g));
	}
}

void publish_service(struct service *s)
{
	struct publish *pub = publish_of(s->sup);

	vec_for_each (other, &pub->services) {
		if (*other == s) {
			return;
		}
	}
	(void)collected(pub, vec_push(&pub->services, s));
}

void publish_daemon(struct supervisor *sup)
{
	publish_of(sup)->daemon = true;
	soon(publish_of(sup));
}

void publish_configs(struct supervisor *sup)
{
	publish_of(sup)->configs = publish_of(sup)->new_configs = true;
	publish_of(sup)->next_config = 0;
	soon(publish_of(sup));
}

void publish_process_gone(struct process *p)
{
	struct publish *pub = publish_of(p->sup);
	const uint32_t id = p->worker.id;

	if (id == UINT32_MAX) {
		return; /* it was never there */
	}
	for (size_t i = 0; i < pub->processes.len; i++) {
		if (pub->processes.at[i]->worker.id == id) {
			vec_remove(&pub->processes, i);
			break;
		}
	}
	(void)collected(pub, vec_push(&pub->gone_processes, id));
}

void publish_group_gone(struct group *g)
{
	struct publish *pub = publish_of(g->sup);
	char *copy = strdup(g->name);

	for (size_t i = 0; i < pub->groups.len; i++) {
		if (pub->groups.at[i] == g) {
			vec_remove(&pub->groups, i);
			break;
		}
	}
	if (!collected(pub, copy ? vec_push(&pub->gone_groups, copy) : -ENOMEM)) {
		free(copy);
	}
}

void publish_service_gone(struct service *s)
{
	struct supervisor *sup = s->sup;
	struct publish *pub = publish_of(sup);
	struct message m;

	for (size_t i = 0; i < pub->services.len; i++) {
		if (pub->services.at[i] == s) {
			vec_remove(&pub->services, i);
			break;
		}
	}
	if (sendable(sup)) {
		message_init(&m, MSG_STATE_SERVICE_GONE, 0);
		message_put_u64(&m, TAG_SERVICE_INDEX, s->index);
		helper_tell(control_of(sup), &m);
	}
}

int publish_answer(struct supervisor *sup, struct message *m)
{
	if (!sendable(sup)) {
		return -ENOTCONN;
	}
	(void)flush(publish_of(sup)); /* if that fails the answer does, too */
	return helper_send(control_of(sup), m);
}

/* ---- slotd-control comes and goes */

static void collect_all(struct publish *pub)
{
	struct supervisor *sup = pub->sup;

	pub->daemon = pub->configs = pub->jobs = pub->sync = true;
	pub->next_config = 0;
	vec_for_each (g, &sup->groups) {
		publish_group(*g);
	}
	vec_for_each (p, &sup->processes) {
		if (*p) {
			publish_process(*p);
		}
	}
	vec_for_each (s, &sup->services) {
		publish_service(*s);
	}
}

void publish_refill(struct helper *h)
{
	struct publish *pub = publish_of(h->sup);

	loop_timer_stop(h->sup->loop, &pub->again);
	pub->lacks = false;
	if (send_plain(h->sup, MSG_STATE_ALL) < 0) { /* first: what is lost after it is asked for */
		lose(pub, true);
	}
	servers_refill(h->sup, h);
	relays_publish(h->sup, h);
	jobs_tell_again(h->sup);
	collect_all(pub);
	pub->last = 0; /* at the end of this turn: the first state it shows is what came of it */
	soon(pub);
}

void publish_again(struct helper *h)
{
	again(publish_of(h->sup));
}

void publish_missed(struct helper *h, bool vital)
{
	lose(publish_of(h->sup), vital);
}

static void on_again(struct loop_timer *t)
{
	struct publish *pub = container_of(t, struct publish, again);

	if (sendable(pub->sup)) { /* else it gets everything when it is back */
		publish_refill(control_of(pub->sup));
	}
}

void publish_drained(struct helper *h)
{
	run(publish_of(h->sup));
}

int publish_init(struct supervisor *sup)
{
	struct publish *pub = calloc(1, sizeof(*pub));

	if (!pub) {
		return -ENOMEM;
	}
	pub->sup = sup;
	loop_idle_init(&pub->idle, on_idle);
	loop_timer_init(&pub->timer, on_timer);
	loop_timer_init(&pub->again, on_again);
	sup->publish = pub;
	return 0;
}

void publish_done(struct supervisor *sup)
{
	struct publish *pub = publish_of(sup);

	if (!pub) {
		return;
	}
	loop_idle_cancel(sup->loop, &pub->idle);
	loop_timer_stop(sup->loop, &pub->timer);
	loop_timer_stop(sup->loop, &pub->again);
	vec_for_each (name, &pub->gone_groups) {
		free(*name);
	}
	vec_done(&pub->gone_groups);
	vec_done(&pub->gone_processes);
	vec_done(&pub->processes);
	vec_done(&pub->groups);
	vec_done(&pub->services);
	free(pub);
	sup->publish = NULL;
}
