#include "lookups.h"

static int add_owner(struct lookups *l, struct owner_lookup o)
{
	o.place = o.owner->place;
	return o.owner->user ? vec_push(&l->owners, o) : 0;
}

static int add_host(struct lookups *l, struct host_lookup h)
{
	return *h.address ? vec_push(&l->hosts, h) : 0;
}

static int add_log(struct lookups *l, struct log_lookup log)
{
	return log.log->kind == LOG_KIND_FILE ? vec_push(&l->logs, log) : 0;
}

static int of_supervisord(struct config *c, struct lookups *l)
{
	int r = add_owner(l, (struct owner_lookup){
				     .owner = &c->supervisord.user,
				     .kind = "",
				     .name = "[supervisord]",
				     .option = "user",
				     .as_process = true,
			     });

	r = r < 0 ? r
		  : add_owner(l, (struct owner_lookup){
					 .owner = &c->supervisord.helper_user,
					 .kind = "",
					 .name = "[slotd]",
					 .option = "helper_user",
					 .as_process = true,
					 .helper = true,
				 });
	r = r < 0 ? r
		  : add_owner(l, (struct owner_lookup){
					 .owner = &c->supervisord.notify_user,
					 .kind = "",
					 .name = "[slotd]",
					 .option = "notify_user",
					 .as_process = true,
				 });
	return r < 0 ? r
		     : add_log(l, (struct log_lookup){
					  .log = &c->supervisord.log,
					  .place = c->supervisord.place,
					  .kind = "",
					  .name = "[supervisord]",
					  .option = "logfile",
				  });
}

static int of_servers(struct config *c, struct lookups *l)
{
	int r = 0;

	vec_for_each (s, &c->servers) {
		r = r < 0 ? r
			  : add_owner(l, (struct owner_lookup){
						 .owner = &s->owner,
						 .kind = "",
						 .name = s->section,
						 .option = "chown",
					 });
		r = r < 0 ? r
			  : add_host(l, (struct host_lookup){
						.address = &s->address,
						.place = s->place,
						.kind = "",
						.name = s->section,
						.option = "port",
					});
	}
	return r;
}

/* All workers' stdout, then their stderr: those that share a file are neighbours. */
static int logs_of_program(struct program_config *p, struct lookups *l)
{
	static const char *const options[] = {"stdout_logfile", "stderr_logfile"};
	size_t n = p->workers.len, channels = p->redirect_stderr ? 1 : 2;
	int r = 0;

	for (size_t i = 0; r == 0 && i < channels * n; i++) {
		r = add_log(l, (struct log_lookup){
				       .log = &p->workers.at[i % n].logs[i / n],
				       .place = p->place,
				       .kind = "program ",
				       .name = p->name,
				       .option = options[i / n],
			       });
	}
	return r;
}

static int of_program(struct program_config *p, struct lookups *l)
{
	int r = add_owner(l, (struct owner_lookup){
				     .owner = &p->user,
				     .kind = "program ",
				     .name = p->name,
				     .option = "user",
				     .as_process = true,
			     });

	r = r < 0 ? r
		  : add_owner(l, (struct owner_lookup){
					 .owner = &p->socket_owner,
					 .kind = "program ",
					 .name = p->name,
					 .option = "socket_owner",
				 });
	r = r < 0 ? r : logs_of_program(p, l);
	for (size_t i = 0; r == 0 && i < p->workers.len; i++) {
		r = add_host(l, (struct host_lookup){
					.address = &p->workers.at[i].address,
					.place = p->place,
					.kind = "worker ",
					.name = p->workers.at[i].name,
					.option = "worker",
				});
	}
	return r;
}

static int of_service(struct service_config *s, struct lookups *l)
{
	int r = add_owner(l, (struct owner_lookup){
				     .owner = &s->socket_owner,
				     .kind = "service ",
				     .name = s->name,
				     .option = "socket_owner",
			     });

	r = r < 0 ? r
		  : add_owner(l, (struct owner_lookup){
					 .owner = &s->notify_user,
					 .kind = "service ",
					 .name = s->name,
					 .option = "notify_user",
					 .as_process = true,
				 });
	for (size_t i = 0; r == 0 && i < s->listen.len; i++) {
		const bool preview = service_is_preview(s, i);

		r = add_host(l, (struct host_lookup){
					.address = &s->listen.at[i],
					.place = preview ? s->preview_place : s->listen_place,
					.kind = "service ",
					.name = s->name,
					.option = preview ? "preview_listen" : "listen",
				});
	}
	return r;
}

int lookups_collect(struct config *c, struct lookups *ret)
{
	struct lookups l = {0};
	int r = of_supervisord(c, &l);

	r = r < 0 ? r : of_servers(c, &l);
	for (size_t i = 0; r == 0 && i < c->programs.len; i++) {
		r = of_program(c->programs.at[i], &l);
	}
	for (size_t i = 0; r == 0 && i < c->services.len; i++) {
		r = of_service(c->services.at[i], &l);
	}
	if (r < 0) {
		lookups_done(&l);
		return r;
	}
	*ret = l;
	return 0;
}

void lookups_done(struct lookups *l)
{
	vec_done(&l->owners);
	vec_done(&l->hosts);
	vec_done(&l->logs);
}
