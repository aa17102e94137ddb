/*
 * bus_link.c - one connection to Redis; see the header
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bus_link.h"

/* More than this between two checks was our own delay, not Redis's. */
#define CHECK_MOST_NS UINT64_C(100000000)
#define ARRAY_MAX     4096 /* elements of one reply; 64 entries are asked for at a time */

struct sl_link_question {
	STAILQ_ENTRY(sl_link_question) next;
	sl_link_answer answer;
	void *arg;
	uint64_t patience_ns;
};

uint64_t sl_link_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static redisReplyObjectFunctions plain_functions, bounded_functions;

/* "*1073741824" would make hiredis reserve 8 GiB. */
static void *bounded_array(const redisReadTask *task, int elements)
{
	return elements > ARRAY_MAX ? NULL : plain_functions.createArray(task, elements);
}

static redisReader *reader_open(void)
{
	redisReader *reader = redisReaderCreate();

	if (!reader)
		return NULL;
	if (!bounded_functions.createArray) {
		plain_functions = *reader->fn;
		bounded_functions = plain_functions;
		bounded_functions.createArray = bounded_array;
	}
	reader->fn = &bounded_functions;
	return reader;
}

static void lose(struct sl_link *link, const char *why)
{
	link->handlers->lost(link->arg, why);
}

static void dispatch(struct sl_link *link, const redisReply *reply)
{
	struct sl_link_question *question = STAILQ_FIRST(&link->questions);

	if (question) {
		STAILQ_REMOVE_HEAD(&link->questions, next);
		link->waited_ns = 0;
		question->answer(question->arg, reply, NULL);
		free(question);
	} else if (link->handlers->pushed) {
		link->handlers->pushed(link->arg, reply);
	} else {
		lose(link, "an answer to no question: this is not Redis");
	}
}

/* Hand out every whole reply there is; false when the link was closed meanwhile. */
static bool read_replies(struct sl_link *link)
{
	char why[SL_TEXT_MAX];
	void *reply;

	for (;;) {
		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
			snprintf(why, sizeof(why), "this is not Redis: %s", link->reader->errstr);
			lose(link, why);
			return false;
		}
		if (!reply)
			return true;
		dispatch(link, reply);
		freeReplyObject(reply);
		if (!link->stream)
			return false;
	}
}

static void read_input(struct sl_link *link)
{
	struct evbuffer *input = bufferevent_get_input(link->stream);
	struct evbuffer_iovec piece;

	while (evbuffer_peek(input, -1, NULL, &piece, 1) > 0) {
		if (redisReaderFeed(link->reader, piece.iov_base, piece.iov_len) != REDIS_OK)
			return lose(link, "out of memory");
		evbuffer_drain(input, piece.iov_len);
		if (!read_replies(link))
			return;
		if (link->reader->len > SL_LINK_INPUT_MAX)
			return lose(link, "a reply too large to be Redis's");
	}
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct sl_link *link = arg;

	link->handlers->enter(link->arg);
	read_input(link);
	link->handlers->leave(link->arg);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	struct sl_link *link = arg;
	const char *why = what & BEV_EVENT_EOF ? "Redis closed the connection" : strerror(errno);

	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		return;
	link->handlers->enter(link->arg);
	lose(link, why);
	link->handlers->leave(link->arg);
}

int sl_link_open(struct sl_link *link, struct event_base *base, const struct sl_address *address)
{
	int fd = sl_address_connect(address);

	if (fd < 0)
		return fd;
	STAILQ_INIT(&link->questions);
	link->reader = reader_open();
	if (!link->reader)
		goto err_fd;
	link->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!link->stream)
		goto err_reader;
	bufferevent_setcb(link->stream, on_read, NULL, on_event, link);
	bufferevent_enable(link->stream, EV_READ | EV_WRITE);
	return 0;

err_reader:
	redisReaderFree(link->reader);
	link->reader = NULL;
err_fd:
	close(fd);
	return -ENOMEM;
}

void sl_link_close(struct sl_link *link, const char *why)
{
	struct sl_link_question *question;

	if (!link->stream)
		return;
	bufferevent_free(link->stream);
	link->stream = NULL;
	redisReaderFree(link->reader);
	link->reader = NULL;
	while ((question = STAILQ_FIRST(&link->questions))) {
		STAILQ_REMOVE_HEAD(&link->questions, next);
		question->answer(question->arg, NULL, why);
		free(question);
	}
}

void sl_link_bytes(struct sl_link_command *command, const void *bytes, size_t size)
{
	command->word[command->words] = bytes;
	command->length[command->words++] = size;
}

void sl_link_text(struct sl_link_command *command, const char *text)
{
	sl_link_bytes(command, text, strlen(text));
}

int sl_link_tell(struct sl_link *link, const struct sl_link_command *command)
{
	char *wire;
	int size, err;

	if (!link->stream)
		return -ENOTCONN;
	if (sl_link_unsent(link) > SL_LINK_OUTPUT_MAX)
		return -EAGAIN;
	size = redisFormatCommandArgv(&wire, command->words, (const char **)command->word,
				      command->length);
	if (size < 0)
		return -ENOMEM;
	err = bufferevent_write(link->stream, wire, (size_t)size) ? -ENOMEM : 0;
	redisFreeCommand(wire);
	return err;
}

int sl_link_ask(struct sl_link *link, const struct sl_link_command *command, uint64_t patience_ns,
		sl_link_answer answer, void *arg)
{
	struct sl_link_question *question = malloc(sizeof(*question));
	int err = question ? sl_link_tell(link, command) : -ENOMEM;

	if (err) {
		free(question);
		return err;
	}
	*question = (struct sl_link_question){
		.answer = answer,
		.arg = arg,
		.patience_ns = patience_ns,
	};
	if (STAILQ_EMPTY(&link->questions))
		link->waited_ns = 0;
	STAILQ_INSERT_TAIL(&link->questions, question, next);
	return 0;
}

void sl_link_check(struct sl_link *link, uint64_t now_ns)
{
	uint64_t elapsed_ns = now_ns - link->checked_ns;
	const struct sl_link_question *oldest;
	char why[SL_TEXT_MAX];

	link->checked_ns = now_ns;
	oldest = link->stream ? STAILQ_FIRST(&link->questions) : NULL;
	if (!oldest)
		return;
	link->waited_ns += elapsed_ns < CHECK_MOST_NS ? elapsed_ns : CHECK_MOST_NS;
	if (link->waited_ns <= oldest->patience_ns)
		return;
	snprintf(why, sizeof(why), "no answer for %u s",
		 (unsigned)(oldest->patience_ns / 1000000000));
	lose(link, why);
}

bool sl_link_idle(const struct sl_link *link)
{
	return link->stream && STAILQ_EMPTY(&link->questions);
}

size_t sl_link_unsent(const struct sl_link *link)
{
	return link->stream ? evbuffer_get_length(bufferevent_get_output(link->stream)) : 0;
}
