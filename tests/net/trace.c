/*
 * trace.c - see trace.h
 */
#include "trace.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ETHERNET    14
#define IPV6        40
#define TCP         20
#define OPTION_TS   8
#define TS_BYTES    10
#define FILE_BUFFER (1 << 20) /* a run's hottest second: the link must not wait for the disk */

struct sl_trace {
	FILE *out;
	bool failed;
};

static uint32_t be16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t be32(const uint8_t *at)
{
	return be16(at) << 16 | be16(at + 2);
}

/* The timestamps (RFC 7323 3.2) among the options @at, @bytes of them. */
static void read_options(struct sl_trace_record *record, const uint8_t *at, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes && at[i];) {
		if (at[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= bytes || at[i + 1] < 2 || i + at[i + 1] > bytes)
			return;
		if (at[i] == OPTION_TS && at[i + 1] == TS_BYTES) {
			record->tsval = be32(at + i + 2);
			record->tsecr = be32(at + i + 6);
		}
		i += at[i + 1];
	}
}

static void read_tcp(struct sl_trace_record *record, const uint8_t *tcp, uint32_t bytes)
{
	uint32_t header;

	if (bytes < TCP)
		return;
	header = (tcp[12] >> 4) * 4u;
	if (header < TCP || header > bytes)
		return;
	record->seq = be32(tcp + 4);
	record->ack = be32(tcp + 8);
	record->tcp_flags = tcp[13];
	record->payload_bytes = (uint16_t)(bytes - header);
	read_options(record, tcp + TCP, header - TCP);
}

/* Where the transport header is, and how long it is with what follows; 0 = no such. */
static uint32_t find_transport(struct sl_trace_record *record, const uint8_t *bytes,
			       uint32_t length, uint32_t *left)
{
	const uint8_t *ip = bytes + ETHERNET;
	uint32_t start = 0, end = 0;

	if (length >= ETHERNET + 20 && be16(bytes + 12) == 0x0800) {
		record->proto = ip[9];
		start = ETHERNET + (ip[0] & 15) * 4u;
		end = ETHERNET + be16(ip + 2);
	} else if (length >= ETHERNET + IPV6 && be16(bytes + 12) == 0x86dd) {
		record->proto = ip[6];
		start = ETHERNET + IPV6;
		end = start + be16(ip + 4);
	}
	if (end > length || end < start + 8)
		return 0;
	*left = end - start;
	return start;
}

int sl_trace_open(struct sl_trace **trace, const char *path)
{
	struct sl_trace *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	new->out = fopen(path, "wbe");
	if (!new->out) {
		err = -errno;
		free(new);
		return err;
	}
	setvbuf(new->out, NULL, _IOFBF, FILE_BUFFER);
	*trace = new;
	return 0;
}

int sl_trace_close(struct sl_trace *trace)
{
	bool failed = trace->failed | (fclose(trace->out) != 0);

	free(trace);
	return failed ? -EIO : 0;
}

void sl_trace_write(struct sl_trace *trace, struct sl_trace_record *record, const uint8_t *bytes,
		    uint32_t length)
{
	uint32_t left = 0, at = find_transport(record, bytes, length, &left);

	record->frame_bytes = (uint16_t)length;
	if (at && (record->proto == IPPROTO_TCP || record->proto == IPPROTO_UDP)) {
		record->sport = (uint16_t)be16(bytes + at);
		record->dport = (uint16_t)be16(bytes + at + 2);
		if (record->proto == IPPROTO_TCP)
			read_tcp(record, bytes + at, left);
		else
			record->payload_bytes = (uint16_t)(left - 8);
	}
	if (fwrite(record, sizeof(*record), 1, trace->out) != 1)
		trace->failed = true;
}

uint64_t sl_trace_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
