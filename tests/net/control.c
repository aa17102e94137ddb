/*
 * control.c - see control.h
 *
 * A client that does not read its answers loses them: the link waits for nobody.
 */
#include "control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_BYTES 4096
#define WHY_BYTES  160

struct client {
	int fd; /* -1 = free */
	size_t held;
	char line[LINE_BYTES];
	char watched[INET6_ADDRSTRLEN];
};

/* Client i owns the link's watch i. */
struct sl_control {
	struct sl_link *link;
	int listener;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct client client[SL_CONTROL_CLIENTS];
};

static const char *const way_name[SL_LINK_DIRECTIONS] = {"up", "down"};

static const struct setting {
	const char *key;
	size_t offset;
	double max;
} settings[] = {
	{"delay_ms", offsetof(struct sl_model_settings, delay_ms), 60000},
	{"jitter_ms", offsetof(struct sl_model_settings, jitter_ms), 60000},
	{"loss", offsetof(struct sl_model_settings, loss), 1},
	{"burst_enter", offsetof(struct sl_model_settings, burst_enter), 1},
	{"burst_leave", offsetof(struct sl_model_settings, burst_leave), 1},
	{"reorder", offsetof(struct sl_model_settings, reorder), 1},
	{"reorder_ms", offsetof(struct sl_model_settings, reorder_ms), 60000},
	{"duplicate", offsetof(struct sl_model_settings, duplicate), 1},
	{"rate_mbit", offsetof(struct sl_model_settings, rate_mbit), 100000},
	{"queue_bytes", offsetof(struct sl_model_settings, queue_bytes), 1e9},
	{"mtu", offsetof(struct sl_model_settings, mtu), 65535},
};

static double *field(struct sl_model_settings *to, const struct setting *setting)
{
	return (double *)(void *)((char *)to + setting->offset);
}

static bool set_number(struct sl_model_settings *to, const char *key, const json_t *value,
		       char *why)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		const struct setting *setting = &settings[i];
		double number = json_number_value(value);

		if (strcmp(key, setting->key))
			continue;
		if (!json_is_number(value) || number < 0 || number > setting->max) {
			snprintf(why, WHY_BYTES, "%s: not a number from 0 to %g", key,
				 setting->max);
			return false;
		}
		*field(to, setting) = number;
		return true;
	}
	snprintf(why, WHY_BYTES, "%.64s: no such setting", key);
	return false;
}

static bool set_direction(struct sl_model_settings *to, json_t *values, char *why)
{
	const char *key;
	json_t *value;

	if (!json_is_object(values)) {
		snprintf(why, WHY_BYTES, "a direction needs an object of settings");
		return false;
	}
	json_object_foreach(values, key, value)
	{
		if (!strcmp(key, "blackhole") && json_is_boolean(value))
			to->blackhole = json_is_true(value);
		else if (!strcmp(key, "blackhole"))
			return snprintf(why, WHY_BYTES, "blackhole: not true or false"), false;
		else if (!set_number(to, key, value, why))
			return false;
	}
	return true;
}

static int way_of(const char *name)
{
	for (int way = 0; way < SL_LINK_DIRECTIONS; way++) {
		if (!strcmp(name, way_name[way]))
			return way;
	}
	return -1;
}

static json_t *done(void)
{
	return json_pack("{s:b, s:I}", "ok", 1, "at_ns", (json_int_t)sl_link_now_ns());
}

static json_t *refused(const char *why)
{
	return json_pack("{s:s}", "error", why);
}

static json_t *set(struct sl_control *control, json_t *ways)
{
	struct sl_model_settings next[SL_LINK_DIRECTIONS];
	char why[WHY_BYTES];
	const char *name;
	json_t *values;
	int way;

	if (!json_is_object(ways))
		return refused("set: needs {\"up\": {...}, \"down\": {...}}");
	for (way = 0; way < SL_LINK_DIRECTIONS; way++)
		next[way] = sl_link_model(control->link, (enum sl_link_direction)way)->settings;
	json_object_foreach(ways, name, values)
	{
		way = way_of(name);
		if (way < 0)
			return refused("set: a direction is \"up\" or \"down\"");
		if (!set_direction(&next[way], values, why))
			return refused(why);
	}
	for (way = 0; way < SL_LINK_DIRECTIONS; way++)
		sl_link_model(control->link, (enum sl_link_direction)way)->settings = next[way];
	return done();
}

static json_t *watch(struct sl_control *control, unsigned int id, json_t *command)
{
	struct sl_link_watch *next = &sl_link_watches(control->link)[id];
	char mapped[INET6_ADDRSTRLEN + 8];
	uint8_t address[16];
	const char *dst;
	int port;

	if (json_unpack(command, "{s:s, s:i!}", "dst", &dst, "port", &port) || port < 1 ||
	    port > 65535)
		return refused("watch: needs {\"dst\": ADDRESS, \"port\": 1..65535}");
	snprintf(mapped, sizeof(mapped), "%s%.45s", strchr(dst, ':') ? "" : "::ffff:", dst);
	if (inet_pton(AF_INET6, mapped, address) != 1)
		return refused("watch: dst is not an address");
	snprintf(control->client[id].watched, sizeof(control->client[id].watched), "%.45s", dst);
	*next = (struct sl_link_watch){.armed = true, .port = (uint16_t)port};
	memcpy(next->address, address, sizeof(address));
	return done();
}

static json_t *way_stats(struct sl_model *model)
{
	const struct sl_model_counts *c = &model->counts;
	json_t *of = json_object();

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		json_object_set_new(of, settings[i].key,
				    json_real(*field(&model->settings, &settings[i])));
	json_object_set_new(of, "blackhole", json_boolean(model->settings.blackhole));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "in",
			 (json_int_t)c->in, "out", (json_int_t)c->out, "bytes_in",
			 (json_int_t)c->bytes_in, "bytes_out", (json_int_t)c->bytes_out, "lost",
			 (json_int_t)c->lost, "queue_drops", (json_int_t)c->queue_drops,
			 "blackholed", (json_int_t)c->blackholed, "mtu_drops",
			 (json_int_t)c->mtu_drops, "reordered", (json_int_t)c->reordered,
			 "duplicated", (json_int_t)c->duplicated, "max_queue_bytes",
			 (json_int_t)c->max_queue_bytes, "settings", of);
}

static json_t *stats(struct sl_control *control)
{
	struct sl_link_trouble trouble = sl_link_trouble(control->link);

	return json_pack("{s:o, s:o, s:{s:I, s:I, s:I, s:I, s:I}, s:I}", "up",
			 way_stats(sl_link_model(control->link, SL_LINK_UP)), "down",
			 way_stats(sl_link_model(control->link, SL_LINK_DOWN)), "link", "under_way",
			 (json_int_t)sl_link_under_way(control->link), "socket_drops",
			 (json_int_t)trouble.socket_drops, "no_frame", (json_int_t)trouble.no_frame,
			 "oversize", (json_int_t)trouble.oversize, "send_errors",
			 (json_int_t)trouble.send_errors, "at_ns", (json_int_t)sl_link_now_ns());
}

static json_t *answer(struct sl_control *control, unsigned int id, const char *line)
{
	json_t *command = json_loads(line, JSON_REJECT_DUPLICATES, NULL), *said, *of;

	if (json_object_size(command) != 1)
		said = refused("not one JSON object with one command");
	else if ((of = json_object_get(command, "set")))
		said = set(control, of);
	else if ((of = json_object_get(command, "watch")))
		said = watch(control, id, of);
	else if (json_object_get(command, "stats"))
		said = stats(control);
	else
		said = refused("the commands are set, stats and watch");
	json_decref(command);
	return said;
}

/* Say @what (which it takes over) to @client. */
static void say(const struct client *client, json_t *what)
{
	char *text = json_dumps(what, JSON_COMPACT), *line = NULL;
	int length = text ? asprintf(&line, "%s\n", text) : -1;

	if (length > 0)
		(void)!send(client->fd, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
	free(line);
	free(text);
	json_decref(what);
}

static void hang_up(struct sl_control *control, unsigned int id)
{
	close(control->client[id].fd);
	control->client[id].fd = -1;
	sl_link_watches(control->link)[id] = (struct sl_link_watch){0};
}

static void hear(struct sl_control *control, unsigned int id)
{
	struct client *client = &control->client[id];
	ssize_t got = recv(client->fd, client->line + client->held,
			   sizeof(client->line) - 1 - client->held, MSG_DONTWAIT);
	char *end;

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		hang_up(control, id);
		return;
	}
	client->held += (size_t)got;
	client->line[client->held] = '\0';
	while ((end = strchr(client->line, '\n'))) {
		*end = '\0';
		say(client, answer(control, id, client->line));
		client->held -= (size_t)(end + 1 - client->line);
		memmove(client->line, end + 1, client->held + 1);
	}
	if (client->held == sizeof(client->line) - 1)
		hang_up(control, id);
}

static void welcome(struct sl_control *control)
{
	int fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (unsigned int id = 0; id < SL_CONTROL_CLIENTS; id++) {
		if (control->client[id].fd < 0) {
			control->client[id].fd = fd;
			control->client[id].held = 0;
			return;
		}
	}
	close(fd);
}

int sl_control_open(struct sl_control **control, const char *path, struct sl_link *link)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct sl_control *new;
	int err;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	new = calloc(1, sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->link = link;
	strcpy(address.sun_path, path);
	strcpy(new->path, path);
	for (unsigned int id = 0; id < SL_CONTROL_CLIENTS; id++)
		new->client[id].fd = -1;
	unlink(path);
	new->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (new->listener < 0 ||
	    bind(new->listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(new->listener, SL_CONTROL_CLIENTS)) {
		err = -errno;
		if (new->listener >= 0)
			close(new->listener);
		free(new);
		return err;
	}
	*control = new;
	return 0;
}

void sl_control_close(struct sl_control *control)
{
	for (unsigned int id = 0; id < SL_CONTROL_CLIENTS; id++) {
		if (control->client[id].fd >= 0)
			hang_up(control, id);
	}
	close(control->listener);
	unlink(control->path);
	free(control);
}

unsigned int sl_control_polls(const struct sl_control *control, struct pollfd *polls)
{
	polls[0] = (struct pollfd){.fd = control->listener, .events = POLLIN};
	/* poll() passes over the -1 of a free client. */
	for (unsigned int id = 0; id < SL_CONTROL_CLIENTS; id++)
		polls[id + 1] = (struct pollfd){.fd = control->client[id].fd, .events = POLLIN};
	return SL_CONTROL_POLLS;
}

void sl_control_serve(struct sl_control *control, const struct pollfd *polls, unsigned int count)
{
	for (unsigned int id = 0; id + 1 < count; id++) {
		if (polls[id + 1].revents && control->client[id].fd >= 0)
			hear(control, id);
	}
	if (polls[0].revents)
		welcome(control);
}

void sl_control_tell(struct sl_control *control)
{
	for (unsigned int id = 0; id < SL_CONTROL_CLIENTS; id++) {
		struct sl_link_watch *watch = &sl_link_watches(control->link)[id];

		if (!watch->armed || !watch->seen_ns)
			continue;
		say(&control->client[id],
		    json_pack("{s:I, s:s, s:i}", "seen_ns", (json_int_t)watch->seen_ns, "dst",
			      control->client[id].watched, "port", (int)watch->port));
		watch->armed = false;
	}
}
