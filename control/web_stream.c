/*
 * web_stream.c - frames of server-sent events, numbered and kept for a while
 */
#include "web_stream.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sl_web_stream_init(struct sl_web_stream *stream, uint64_t boot)
{
	memset(stream, 0, sizeof(*stream));
	snprintf(stream->boot, sizeof(stream->boot), "%016" PRIx64, boot);
}

void sl_web_stream_free(struct sl_web_stream *stream)
{
	for (size_t i = 0; i < SL_WEB_KEPT; i++)
		free(stream->kept[i].text);
	memset(stream, 0, sizeof(*stream));
}

char *sl_web_stream_frame(const struct sl_web_stream *stream, const char *kind, const char *data)
{
	struct evbuffer *frame = evbuffer_new();
	char *text = NULL;
	size_t length;

	if (!frame)
		return NULL;
	evbuffer_add_printf(frame, "id: %s-%" PRIu64 "\nevent: %s\n", stream->boot, stream->last,
			    kind);
	/* A line end in the data would end the field: each line is a field of its own. */
	do {
		length = strcspn(data, "\r\n");
		evbuffer_add_printf(frame, "data: %.*s\n", (int)length, data);
		data += length;
		data += *data == '\r' && data[1] == '\n' ? 2 : *data != '\0';
	} while (*data);
	evbuffer_add(frame, "\n", 2); /* with its NUL */
	length = evbuffer_get_length(frame);
	text = malloc(length);
	if (text)
		evbuffer_remove(frame, text, length);
	evbuffer_free(frame);
	return text;
}

const char *sl_web_stream_add(struct sl_web_stream *stream, const char *kind, const char *data)
{
	size_t slot = (stream->last + 1) % SL_WEB_KEPT;
	char *frame;

	stream->last++;
	frame = sl_web_stream_frame(stream, kind, data);
	free(stream->kept[slot].text);
	stream->kept[slot].text = frame;
	stream->kept[slot].length = frame ? strlen(frame) : 0;
	return frame;
}

uint64_t sl_web_stream_number(const struct sl_web_stream *stream, const char *id)
{
	size_t boot = strlen(stream->boot);
	char *end;
	uint64_t number;

	if (strncmp(id, stream->boot, boot) || id[boot] != '-' || id[boot + 1] < '0' ||
	    id[boot + 1] > '9')
		return UINT64_MAX;
	number = strtoull(id + boot + 1, &end, 10);
	return *end || number > stream->last ? UINT64_MAX : number;
}

bool sl_web_stream_again(const struct sl_web_stream *stream, uint64_t after, struct evbuffer *to)
{
	size_t bytes = 0;

	if (after > stream->last || stream->last - after > SL_WEB_KEPT)
		return false;
	for (uint64_t n = after + 1; n <= stream->last; n++) {
		if (!stream->kept[n % SL_WEB_KEPT].text)
			return false;
		bytes += stream->kept[n % SL_WEB_KEPT].length;
	}
	if (bytes > SL_WEB_AGAIN_MAX)
		return false;
	for (uint64_t n = after + 1; n <= stream->last; n++)
		evbuffer_add(to, stream->kept[n % SL_WEB_KEPT].text,
			     stream->kept[n % SL_WEB_KEPT].length);
	return true;
}
