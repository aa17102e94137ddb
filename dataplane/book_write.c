/*
 * book_write.c - a book's records to JSON lines
 *
 * Format: the docstring of the comparator (MEASUREMENT.md 1).  Percentiles are nearest rank,
 * by the samples' weights.  What a flow has not is left out, but for the fields that the
 * format wants always.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "book_private.h"

static int by_ticks(const void *a, const void *b)
{
	const struct sl_sample *x = a, *y = b;

	return (x->ticks > y->ticks) - (x->ticks < y->ticks);
}

/* Nearest rank by weight, of sorted samples; @part of 100. */
static uint32_t quantile(const struct sl_book_samples *samples, uint64_t total, uint64_t part)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < samples->count; i++) {
		sum += samples->sample[i].weight;
		if (sum * 100 >= total * part)
			return samples->sample[i].ticks;
	}
	return samples->sample[samples->count - 1].ticks;
}

static void write_us(FILE *out, const char *name, uint64_t ticks)
{
	uint64_t ns = ticks << SL_TICK_LOG2_NS;

	fprintf(out, "\"%s\":%" PRIu64 ".%03" PRIu64, name, ns / 1000, ns % 1000);
}

static void write_samples(FILE *out, const char *name, struct sl_book_samples *samples)
{
	static const char none[] = "{\"n\":0,\"min\":null,\"p50\":null,\"p95\":null,\"max\":null}";
	uint64_t total = 0;

	fprintf(out, "\"%s\":", name);
	if (!samples->count) {
		fputs(none, out);
		return;
	}
	qsort(samples->sample, samples->count, sizeof(*samples->sample), by_ticks);
	for (uint32_t i = 0; i < samples->count; i++)
		total += samples->sample[i].weight;
	fprintf(out, "{\"n\":%" PRIu32 ",", samples->count);
	write_us(out, "min", samples->sample[0].ticks);
	fputc(',', out);
	write_us(out, "p50", quantile(samples, total, 50));
	fputc(',', out);
	write_us(out, "p95", quantile(samples, total, 95));
	fputc(',', out);
	write_us(out, "max", samples->sample[samples->count - 1].ticks);
	fputc('}', out);
}

static void write_address(FILE *out, const char *name, const struct sl_addr *address)
{
	char text[INET6_ADDRSTRLEN];

	sl_address_text(address, text);
	fprintf(out, "\"%s\":\"%s\",", name, text);
}

static const char *proto_name(uint8_t proto)
{
	switch (proto) {
	case SL_PROTO_TCP:
		return "tcp";
	case SL_PROTO_UDP:
		return "udp";
	case SL_PROTO_ICMP6:
		return "icmp6";
	default:
		return "icmp";
	}
}

static void write_key(FILE *out, const struct sl_book_record *record)
{
	const struct sl_flow_key *key = &record->key;
	bool flip = record->initiator;

	fprintf(out, "{\"proto\":\"%s\",", proto_name(key->proto));
	write_address(out, "src", flip ? &key->b : &key->a);
	fprintf(out, "\"sport\":%u,", flip ? key->b_port : key->a_port);
	write_address(out, "dst", flip ? &key->a : &key->b);
	fprintf(out, "\"dport\":%u,", flip ? key->a_port : key->b_port);
	if (record->tagged)
		fprintf(out, "\"vlan\":%u,", key->vlan);
	else
		fputs("\"vlan\":null,", out);
}

static void write_pair(FILE *out, const char *name, uint64_t forward, uint64_t reverse)
{
	fprintf(out, "\"%s\":[%" PRIu64 ",%" PRIu64 "],", name, forward, reverse);
}

static uint64_t retransmitted(const struct sl_book_direction *direction)
{
	return direction->lost_after + direction->lost_before + direction->spurious +
	       direction->duplicates;
}

static void write_counts(FILE *out, const struct sl_book_direction *forward,
			 const struct sl_book_direction *reverse)
{
	write_pair(out, "packets", forward->packets, reverse->packets);
	write_pair(out, "bytes", forward->bytes, reverse->bytes);
	write_pair(out, "retrans", retransmitted(forward), retransmitted(reverse));
	write_pair(out, "out_of_order", forward->reordered, reverse->reordered);
	write_pair(out, "gaps", forward->gaps, reverse->gaps);
	fputs("\"loss\":{", out);
	write_pair(out, "down", forward->lost_after, reverse->lost_after);
	write_pair(out, "up", forward->lost_before, reverse->lost_before);
	write_pair(out, "reorder", forward->reordered, reverse->reordered);
	write_pair(out, "spurious", forward->spurious, reverse->spurious);
	write_pair(out, "duplicates", forward->duplicates, reverse->duplicates);
	fprintf(out, "\"capture_miss\":[%" PRIu64 ",%" PRIu64 "]},", forward->capture_miss,
		reverse->capture_miss);
}

/* The first handshake time that this direction's first packet had; NULL = none. */
static const struct sl_sample *handshake(const struct sl_book_direction *direction)
{
	const struct sl_book_samples *samples = &direction->timed[SL_METHOD_HANDSHAKE];

	return samples->count ? &samples->sample[0] : NULL;
}

static void write_half(FILE *out, const char *name, const struct sl_book_direction *direction)
{
	if (handshake(direction))
		write_us(out, name, handshake(direction)->ticks);
	else
		fprintf(out, "\"%s\":null", name);
	fputc(',', out);
}

/* Samples of one kind, both ways; nothing when there are none. */
static void write_both(FILE *out, const char *name, struct sl_book_samples *forward,
		       struct sl_book_samples *reverse)
{
	if (!forward->count && !reverse->count)
		return;
	fprintf(out, "\"%s\":{", name);
	write_samples(out, "fwd", forward);
	fputc(',', out);
	write_samples(out, "rev", reverse);
	fputs("},", out);
}

static void write_handshake(FILE *out, const struct sl_book_direction *forward,
			    const struct sl_book_direction *reverse)
{
	if (handshake(forward) && handshake(reverse))
		write_us(out, "handshake_us",
			 (uint64_t)handshake(forward)->ticks + handshake(reverse)->ticks);
	else
		fputs("\"handshake_us\":null", out);
	fputc(',', out);
	write_half(out, "handshake_fwd_us", forward);
	write_half(out, "handshake_rev_us", reverse);
}

/* What is not of every flow: left out where there is nothing. */
static void write_more_times(FILE *out, struct sl_book_direction *forward,
			     struct sl_book_direction *reverse)
{
	struct sl_book_samples *f = forward->timed, *r = reverse->timed;

	if (f[SL_METHOD_DNS].count) {
		write_samples(out, "dns_rtt_us", &f[SL_METHOD_DNS]);
		fputc(',', out);
	}
	write_both(out, "quic_handshake_us", &f[SL_METHOD_QUIC], &r[SL_METHOD_QUIC]);
	write_both(out, "spin_rtt_us", &f[SL_METHOD_SPIN], &r[SL_METHOD_SPIN]);
	write_both(out, "think_us", &f[SL_METHOD_THINK], &r[SL_METHOD_THINK]);
	write_both(out, "transaction_us", &forward->transaction, &reverse->transaction);
}

/* Echo times stand where those of acknowledgements do: a flow has one or the other. */
static void write_times(FILE *out, struct sl_book_direction *forward,
			struct sl_book_direction *reverse)
{
	bool echo = forward->timed[SL_METHOD_ECHO].count;

	fputs("\"rtt_us\":{", out);
	write_samples(out, "fwd", echo ? &forward->timed[SL_METHOD_ECHO] : &forward->seq);
	fputc(',', out);
	write_samples(out, "rev", &reverse->seq);
	fputs("},\"ts_rtt_us\":{", out);
	write_samples(out, "fwd", &forward->ts);
	fputc(',', out);
	write_samples(out, "rev", &reverse->ts);
	fputs("},", out);
	write_handshake(out, forward, reverse);
	write_more_times(out, forward, reverse);
}

static void write_media(FILE *out, const struct sl_book_direction *forward,
			const struct sl_book_direction *reverse)
{
	const struct sl_book_direction *both[2] = {forward, reverse};
	const char *comma = "";

	if (!forward->streams && !reverse->streams)
		return;
	fputs("\"rtp\":[", out);
	for (int d = 0; d < 2; d++)
		for (uint32_t i = 0; i < both[d]->streams; i++) {
			const struct sl_book_stream *s = &both[d]->stream[i];

			fprintf(out,
				"%s{\"ssrc\":%" PRIu32 ",\"packets\":%" PRIu64 ",\"lost\":%" PRIu64
				",",
				comma, s->ssrc, s->packets,
				s->expected > s->packets ? s->expected - s->packets : 0);
			write_us(out, "jitter_us", s->jitter_ticks);
			fputc('}', out);
			comma = ",";
		}
	fputs("],", out);
}

/* No character of a host name, or of nDPI's names, needs escaping in JSON. */
static void write_names(FILE *out, const struct sl_book_names *names)
{
	if (names && names->sni[0])
		fprintf(out, "\"sni\":\"%s\",", names->sni);
	else
		fputs("\"sni\":null,", out);
	if (names && names->name[0])
		fprintf(out, "\"name\":\"%s\",\"name_source\":\"%s\",", names->name,
			sl_slowpath_source(names->source));
	if (names && names->app[0])
		fprintf(out, "\"%s\":\"%s\",", names->guessed ? "app_guess" : "app", names->app);
}

static void write_service(FILE *out, uint8_t service, const struct sl_policy *policy)
{
	if (!policy)
		fputs("null", out);
	else if (service && service <= policy->services)
		fprintf(out, "\"%s\"", policy->service[service - 1].name);
	else
		fputs("\"other\"", out);
}

int sl_book_write(struct sl_book *book, const struct sl_policy *policy, FILE *out)
{
	for (uint32_t i = 0; i < book->records; i++) {
		struct sl_book_record *record = &book->record[i];
		struct sl_book_direction *forward = &record->direction[0],
					 *reverse = &record->direction[1];

		write_key(out, record);
		write_counts(out, forward, reverse);
		write_times(out, forward, reverse);
		write_media(out, forward, reverse);
		write_names(out, record->names);
		fputs("\"service\":", out);
		write_service(out, record->service, policy);
		fputs("}\n", out);
	}
	return fflush(out) || ferror(out) ? -EIO : 0;
}
