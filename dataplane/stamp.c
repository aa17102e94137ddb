/*
 * stamp.c - the fields of RFC 8762, and what four times tell
 */
#include "stamp.h"

#include <string.h>

#define S SL_REFLECT_S

/* Offsets of fields that are read. */
enum {
	AT_NUMBER = 0,
	AT_TIME = 4,
	AT_ERROR = 12,
	AT_RECEIVED = 16,
	AT_SENDER_NUMBER = 24,
	AT_SENDER_TIME = 28,
};

static uint32_t get32(const uint8_t *from)
{
	return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* Era 0, until 2036, and the next: what would be before 1970 is of that. */
static uint64_t get_time(const uint8_t *from)
{
	uint32_t seconds = get32(from) - (uint32_t)SL_REFLECT_NTP_EPOCH;

	return seconds * S + ((uint64_t)get32(from + 4) * S >> 32);
}

void sl_stamp_write(uint8_t packet[SL_STAMP_BYTES], uint32_t number, uint64_t unix_ns)
{
	memset(packet, 0, SL_STAMP_BYTES);
	sl_reflect_put32(packet + AT_NUMBER, number);
	sl_reflect_put_time(packet + AT_TIME, unix_ns);
	sl_reflect_put_error(packet + AT_ERROR);
}

bool sl_stamp_reflect(uint8_t *packet, uint32_t length, uint8_t ttl, uint64_t received_unix_ns,
		      uint64_t replied_unix_ns)
{
	if (length < SL_STAMP_BYTES)
		return false;
	sl_reflect_fields(packet, ttl, received_unix_ns, replied_unix_ns);
	return true;
}

bool sl_stamp_read(const uint8_t *packet, uint32_t length, uint64_t back_unix_ns, uint32_t *number,
		   struct sl_stamp_times *times)
{
	/* Z: the reflector's times are in PTP's format, which nobody asked for. */
	if (length < SL_STAMP_BYTES || (packet[AT_ERROR] & 0x40))
		return false;
	*number = get32(packet + AT_SENDER_NUMBER);
	*times = (struct sl_stamp_times){
		.sent_ns = get_time(packet + AT_SENDER_TIME),
		.received_ns = get_time(packet + AT_RECEIVED),
		.replied_ns = get_time(packet + AT_TIME),
		.back_ns = back_unix_ns,
	};
	return true;
}

static uint32_t us(int64_t ns)
{
	return ns <= 0 ? 0 : ns / 1000 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 1000);
}

void sl_stamp_note(struct sl_stamp_path *path, const struct sl_stamp_times *t)
{
	int64_t out_ns = (int64_t)(t->received_ns - t->sent_ns);
	int64_t back_ns = (int64_t)(t->back_ns - t->replied_ns);

	if (!path->samples || out_ns < path->least_out_ns)
		path->least_out_ns = out_ns;
	if (!path->samples || back_ns < path->least_back_ns)
		path->least_back_ns = back_ns;
	path->samples++;
	path->rtt_us = us(out_ns + back_ns); /* the clocks' difference is in both, and goes out */
	path->out_us = us(out_ns - path->least_out_ns);
	path->back_us = us(back_ns - path->least_back_ns);
}
