/*
 * message.h - the card payment messages between till and payment host
 *
 * In the manner of ISO 8583 (MTI, terminal, system trace audit number, amount,
 * response code) with fixed text fields, after a 2-byte big-endian length as is
 * usual over TCP.  The rest is padding, as long as EMV data would be: a request
 * fills 3 segments, an answer 2.  Shared by till.c and payhost.c.
 */
#ifndef SL_MESSAGE_H
#define SL_MESSAGE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SL_MESSAGE_HEADER   2
#define SL_MESSAGE_REQUEST  3000 /* bytes after the length field */
#define SL_MESSAGE_RESPONSE 2000
#define SL_MESSAGE_MAX      4096
#define SL_TERMINAL_CHARS   8
#define SL_STAN_MAX         999999 /* six digits */

struct sl_message {
	char mti[5]; /* "0200" asks, "0210" answers */
	char terminal[SL_TERMINAL_CHARS + 1];
	uint32_t stan;
	uint64_t amount_cents;
	char code[3]; /* "00" = approved */
};

#define SL_MESSAGE_FIELDS (4 + SL_TERMINAL_CHARS + 6 + 12 + 2)

/* Write @message with its length field; @bytes holds SL_MESSAGE_HEADER + SL_MESSAGE_MAX. */
static inline size_t sl_message_write(const struct sl_message *message, size_t body, uint8_t *bytes)
{
	char *text = (char *)bytes + SL_MESSAGE_HEADER;

	bytes[0] = (uint8_t)(body >> 8);
	bytes[1] = (uint8_t)body;
	memset(text, '.', body);
	/* snprintf's NUL falls on padding, which is put back. */
	snprintf(text, SL_MESSAGE_FIELDS + 1, "%.4s%-8.8s%06u%012lu%.2s", message->mti,
		 message->terminal, message->stan % (SL_STAN_MAX + 1),
		 message->amount_cents % 1000000000000ul, message->code);
	text[SL_MESSAGE_FIELDS] = '.';
	return SL_MESSAGE_HEADER + body;
}

/* Read the body of a message.  False when it is too short or its numbers are none. */
static inline int sl_message_read(struct sl_message *message, const uint8_t *body, size_t length)
{
	char stan[7], amount[13], *end_stan, *end_amount;

	if (length < SL_MESSAGE_FIELDS)
		return 0;
	snprintf(message->mti, sizeof(message->mti), "%.4s", (const char *)body);
	snprintf(message->terminal, sizeof(message->terminal), "%.8s", (const char *)body + 4);
	snprintf(stan, sizeof(stan), "%.6s", (const char *)body + 12);
	snprintf(amount, sizeof(amount), "%.12s", (const char *)body + 18);
	snprintf(message->code, sizeof(message->code), "%.2s", (const char *)body + 30);
	message->stan = (uint32_t)strtoul(stan, &end_stan, 10);
	message->amount_cents = strtoul(amount, &end_amount, 10);
	return !*end_stan && !*end_amount;
}

#endif
