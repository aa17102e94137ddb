/*
 * capture.h - capture files to Ethernet frames, whatever they were captured on
 *
 * Reads pcap (both byte orders, us and ns, the modified 24-byte records) and pcapng
 * (SHB, IDB, EPB, SPB, OPB; if_tsresol, if_tsoffset; several sections) from a file
 * or a pipe, with memory bounded whatever the file says.  Linux cooked v1 and v2,
 * raw IP, null/loop and PPP get an Ethernet header with the right EtherType; what
 * cannot be converted gets EtherType 0, so that it is counted as "not IP".
 * Damaged files end with a stated reason.  Clocks that run backwards pass as they are.
 */
#ifndef SL_CAPTURE_H
#define SL_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "frame.h"

/* Bytes of a frame that are handed out; more than any header chain that the core reads. */
#define SL_FRAME_MAX 2048

struct sl_capture;

/*
 * Open @path ("-" = standard input).  0 and *@capture, the caller's to close; or
 * -errno, -EBADMSG when it is neither pcap nor pcapng, and @why says so.
 */
int sl_capture_open(const char *path, struct sl_capture **capture, char *why, size_t why_size);

/*
 * The next frame: 1 and *@frame, whose bytes stand until the next call; 0 at the
 * end, see sl_capture_end().
 */
int sl_capture_next(struct sl_capture *capture, struct sl_frame *frame);

/* Why it ended: "" = at the end of a whole file, else what is wrong and at which byte. */
const char *sl_capture_end(const struct sl_capture *capture);

void sl_capture_close(struct sl_capture *capture);

#endif
