/*
 * capture_link.h - link headers of captures to Ethernet
 *
 * Only capture.c calls this.  Link types: www.tcpdump.org/linktypes.html.
 */
#ifndef SL_CAPTURE_LINK_H
#define SL_CAPTURE_LINK_H

#include "capture.h"

/*
 * Turn @bytes captured with link type @link into an Ethernet frame in
 * @to[SL_FRAME_MAX], and set frame->bytes and ->length; frame->wire_bytes, on entry
 * with the old link header, changes with the header.
 */
void sl_capture_link(uint16_t link, const uint8_t *bytes, uint32_t length, uint8_t *to,
		     struct sl_frame *frame);

#endif
