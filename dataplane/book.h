/*
 * book.h - replay's exact record of every connection, beside the core's counters
 *
 * The core keeps histograms per path; a comparison with tshark wants each connection
 * by itself.  The book adds up what the core said of each packet (struct sl_work) and
 * writes one JSON line a connection, in order of first packet, the same bytes for
 * the same input.  Memory grows with connections and samples: for files, not for live.
 */
#ifndef SL_BOOK_H
#define SL_BOOK_H

#include <stdio.h>

#include "../proto/policy.h"
#include "fastpath/work.h"
#include "slowpath.h"

struct sl_book;

/* An empty book, or NULL when out of memory. */
struct sl_book *sl_book_open(void);

/* Add one packet.  0, or -ENOMEM and the packet is missing. */
int sl_book_add(struct sl_book *book, const struct sl_work *work);

/* More is known of a flow's name: it is written with its newest record.  0 or -ENOMEM. */
int sl_book_name(struct sl_book *book, const struct sl_flow_name *name);

/*
 * Write all records; @policy names the services (NULL: null).  0, or -errno of the
 * stream or -ENOMEM.
 */
int sl_book_write(struct sl_book *book, const struct sl_policy *policy, FILE *out);

void sl_book_close(struct sl_book *book);

#endif
