#include "orphans.h"
#include "session.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *fault_sentence(int code, const char *text)
{
	const char *name = fault_name(code);
	size_t n = strlen(name);
	bool named = strncmp(text, name, n) == 0 && strncmp(text + n, ": ", 2) == 0;

	return named ? text + n + 2 : text;
}

static const char *user_name(uid_t uid, char *buf, size_t size)
{
	const struct passwd *pw = getpwuid(uid);

	if (pw) {
		(void)snprintf(buf, size, "%s", pw->pw_name);
	} else {
		(void)snprintf(buf, size, "%u", (unsigned)uid);
	}
	return buf;
}

static const char *group_name(gid_t gid, char *buf, size_t size)
{
	const struct group *gr = getgrgid(gid);

	if (gr) {
		(void)snprintf(buf, size, "%s", gr->gr_name);
	} else {
		(void)snprintf(buf, size, "%u", (unsigned)gid);
	}
	return buf;
}

static void explain_denied(const char *path)
{
	char me[64], owner[64], group[64];
	struct stat st;

	(void)user_name(geteuid(), me, sizeof(me));
	(void)fprintf(stderr, "slotctl: %s: permission denied: you are \"%s\"", path, me);
	if (stat(path, &st) == 0) {
		(void)fprintf(stderr, ", it is %s:%s %04o",
			      user_name(st.st_uid, owner, sizeof(owner)),
			      group_name(st.st_gid, group, sizeof(group)), st.st_mode & 07777);
	}
	(void)fprintf(stderr, ". Use sudo, or allow=deploy:%s in the [service:...] section.\n", me);
}

void explain_restart(void)
{
	unsigned alive = orphans_count();

	if (alive > 0) {
		(void)fprintf(stderr, "Its workers are: %u alive. ", alive);
	}
	(void)fprintf(stderr, "Start: systemctl start slotd%s. Why: journalctl -u slotd -n 50\n",
		      alive ? " (it takes them over)" : "");
}

bool has_died(const struct value *daemon)
{
	return value_int(daemon, "statecode") == 2; /* Supervisor's FATAL */
}

bool explain_died(const struct value *daemon)
{
	if (!has_died(daemon)) {
		return false;
	}
	(void)fprintf(stderr, "slotctl: slotd has died; this is what it knew last. ");
	explain_restart();
	return true;
}

static void explain_not_running(const struct ctl *ctl)
{
	if (!ctl->options->own_socket) {
		(void)fprintf(stderr,
			      "slotctl: nothing answers at %s. Is slotd running? "
			      "systemctl status slotd\n",
			      ctl->options->url);
		return;
	}
	(void)fprintf(stderr, "slotctl: slotd is not running. ");
	explain_restart();
}

void explain_failure(const struct ctl *ctl, int error, const struct diag *diag)
{
	const struct rpc *rpc = &ctl->rpc;
	char me[64];

	if (error == -EREMOTE && rpc->fault.code == FAULT_FORBIDDEN) {
		(void)fprintf(stderr, "slotctl: %s (you are \"%s\")\n",
			      fault_sentence(rpc->fault.code, rpc->fault.text),
			      user_name(geteuid(), me, sizeof(me)));
	} else if (error == -EREMOTE) {
		(void)fprintf(stderr, "slotctl: %s\n",
			      fault_sentence(rpc->fault.code, rpc->fault.text));
	} else if (rpc->http_status == 401) {
		(void)fprintf(stderr,
			      "slotctl: %s needs a user name and a password: -u USER -p PASSWORD, "
			      "or username and password in [supervisorctl]\n",
			      ctl->options->url);
	} else if ((error == -EACCES || error == -EPERM) && rpc->target.path) {
		explain_denied(rpc->target.path);
	} else if (error == -ENOENT || error == -ECONNREFUSED) {
		explain_not_running(ctl);
	} else if (diag && diag->text[0]) {
		(void)fprintf(stderr, "slotctl: %s\n", diag->text);
	} else {
		(void)fprintf(stderr, "slotctl: %s: %s\n", ctl->options->url, strerror(-error));
	}
}
