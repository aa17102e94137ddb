/*
 * terminal.h - card payments over TLS, as a till's terminal makes them
 *
 * Transactions begin when the caller says so, however long others take (an open
 * loop: waiting customers are counted, not hidden).  They share one connection,
 * or a connection takes a given number of them and is closed.  When a connection
 * breaks it is made again at once and what is unanswered is asked again with the
 * same STAN, until the transaction is 30 s old and has failed; then its
 * connection is given up too.  One thread, on the caller's event loop.
 */
#ifndef SL_TERMINAL_H
#define SL_TERMINAL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "message.h"

struct event_base;
struct sl_terminal;

/* How a transaction ended. */
struct sl_terminal_result {
	uint32_t stan;
	uint64_t begun_ns; /* CLOCK_MONOTONIC */
	uint64_t took_ns;
	unsigned int attempts; /* times it was sent; 0 = it never got that far */
	bool ok;
	const char *error; /* "" when ok */
};

struct sl_terminal_config {
	struct event_base *base;
	SSL_CTX *tls;            /* verifies the host; stays the caller's */
	const char *server_name; /* in the host's certificate; stays the caller's */
	struct sockaddr_storage address;
	socklen_t address_size;
	char name[SL_TERMINAL_CHARS + 1];
	unsigned int per_connection; /* transactions; 0 = one connection for all */
	void (*ended)(void *arg, const struct sl_terminal_result *result);
	void *arg;
};

/* 0 and *@terminal, connecting; or -ENOMEM. */
int sl_terminal_open(struct sl_terminal **terminal, const struct sl_terminal_config *config);
/* Unfinished transactions end without a word. */
void sl_terminal_close(struct sl_terminal *terminal);

/* Begin a transaction; ended() is called once for it.  0 or -ENOMEM. */
int sl_terminal_begin(struct sl_terminal *terminal, uint64_t amount_cents);

/* Take a new connection for what begins from now on; the old one closes when it is done. */
void sl_terminal_renew(struct sl_terminal *terminal);

unsigned int sl_terminal_unfinished(const struct sl_terminal *terminal);
/* Connections tried so far. */
uint64_t sl_terminal_connections(const struct sl_terminal *terminal);

#endif
