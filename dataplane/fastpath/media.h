/*
 * media.h - RTP: packets lost by their sequence numbers, interarrival jitter
 *
 * Method: RFC 3550 A.1 (a source is believed after two packets in sequence, a jump of its
 * numbers likewise), A.3 (expected and lost), A.8 (jitter).  What the clock rate of a payload
 * type is, signalling says and we do not see: it is read off a second of the stream, as the
 * nearest of those that RFC 3551 and the codecs in use have.  Pure.
 */
#ifndef SL_MEDIA_H
#define SL_MEDIA_H

#include "work.h"

#define SL_MEDIA_LEARN_TICKS 15625000u /* 1 s: two packets 30 ms late do not make 48 kHz 44.1 */
#define SL_MEDIA_RATES       9
/* RFC 3550 A.1: further ahead, or further behind, is no loss and no delay but a jump. */
#define SL_MEDIA_DROPOUT  3000
#define SL_MEDIA_MISORDER 100
#define SL_MEDIA_NO_SEQ   0x10001u

/* Ticks * 256 of one unit of the RTP timestamp, by clock rate. */
#define SL_MEDIA_UNIT(hz) (uint32_t)(UINT64_C(15625000) * 256 / (hz))
static const uint32_t sl_media_unit[SL_MEDIA_RATES] = {
	SL_MEDIA_UNIT(8000),  SL_MEDIA_UNIT(11025), SL_MEDIA_UNIT(16000),
	SL_MEDIA_UNIT(22050), SL_MEDIA_UNIT(24000), SL_MEDIA_UNIT(32000),
	SL_MEDIA_UNIT(44100), SL_MEDIA_UNIT(48000), SL_MEDIA_UNIT(90000),
};

/*
 * Does this datagram look like RTP (RFC 3550 5.1)?  Version 2, not RTCP (RFC 5761 4), not
 * between well-known ports, not both odd as RTCP's are.
 */
SL_INLINE bool sl_media_is(const struct sl_packet *packet)
{
	uint32_t type = packet->head0 >> 16 & 0x7f;

	return packet->head_bytes && packet->head0 >> 30 == 2 && !(type >= 64 && type < 96) &&
	       packet->src_port > 1023 && packet->dst_port > 1023 &&
	       !(packet->src_port & packet->dst_port & 1);
}

/* The place of the stream @ssrc in @gram: its own, a free one, one not believed yet; -1 = none. */
SL_VERIFY_ONCE int sl_media_find(const struct sl_datagram *gram, uint32_t ssrc)
{
	int free = -1, weak = -1;

	if (!gram)
		return -1;

	for (int i = 0; i < SL_MEDIA_STREAMS; i++) {
		const struct sl_media *media = &gram->media[i];

		if (media->used && media->ssrc == ssrc)
			return i;
		if (!media->used)
			free = i;
		else if (!media->valid)
			weak = i;
	}
	return free >= 0 ? free : weak;
}

/* The clock rate, once a second has passed; a rate that no codec has begins anew.  0. */
SL_VERIFY_ONCE int sl_media_learn(struct sl_media *media, uint32_t tick, uint32_t stamp)
{
	if (!media)
		return 0;
	uint64_t ticks = tick - media->tick, units = stamp - media->stamp, seen;

	if (ticks < SL_MEDIA_LEARN_TICKS)
		return 0;
	media->tick = tick;
	media->stamp = stamp;
	if (!units || units > INT32_MAX)
		return 0;
	seen = (ticks << 8) / units;
	for (uint32_t i = 0; i < SL_MEDIA_RATES; i++)
		if (seen >= sl_media_unit[i] - sl_media_unit[i] / 64 &&
		    seen <= sl_media_unit[i] + sl_media_unit[i] / 64)
			media->unit = sl_media_unit[i];
	return 0;
}

/* A.8: how much later this packet came than the one before it, beyond what their timestamps say. */
SL_INLINE void sl_media_jitter(struct sl_media *media, uint32_t tick, uint32_t stamp)
{
	int64_t units = (int32_t)(stamp - media->stamp);
	int64_t late = (int32_t)(tick - media->tick) - ((units * media->unit) >> 8);

	media->tick = tick;
	media->stamp = stamp;
	late = late < 0 ? -late : late;
	if (late > INT32_MAX >> 5)
		return; /* a pause, or a new beginning of the timestamps */
	media->jitter += (uint32_t)late - ((media->jitter + 8) >> 4);
}

/* @media is of another source, or new. */
SL_INLINE void sl_media_begin(struct sl_media *media, const struct sl_work *work)
{
	*media = (struct sl_media){.ssrc = work->packet.head8,
				   .bad_seq = SL_MEDIA_NO_SEQ,
				   .tick = work->now_tick,
				   .stamp = work->packet.head4,
				   .seq = (uint16_t)work->packet.head0,
				   .used = 1};
}

/* @packets are counted now, and so many more are expected than before: @ahead. */
SL_INLINE void sl_media_report(const struct sl_media *media, uint32_t packets, uint32_t ahead,
			       struct sl_result *result)
{
	result->seen |= SL_SEEN_MEDIA;
	result->media_packets = (uint16_t)packets;
	result->media_ahead = (uint16_t)ahead;
	result->media_jitter_ticks = media->unit ? media->jitter >> 4 : 0;
}

/* A packet of a source that is not believed yet: the second in sequence makes it one. */
SL_INLINE void sl_media_try(struct sl_media *media, struct sl_work *work)
{
	uint16_t seq = (uint16_t)work->packet.head0;

	media->valid = seq == (uint16_t)(media->seq + 1);
	media->seq = seq;
	if (media->valid)
		sl_media_report(media, 2, 2, &work->result);
}

/* A packet far from the last: the sender began anew if a second one goes on from it. */
SL_INLINE void sl_media_jump(struct sl_media *media, struct sl_work *work)
{
	uint16_t seq = (uint16_t)work->packet.head0;

	if (seq != media->bad_seq) {
		media->bad_seq = (uint16_t)(seq + 1);
		return;
	}
	media->bad_seq = SL_MEDIA_NO_SEQ;
	media->seq = seq;
	media->tick = work->now_tick;
	media->stamp = work->packet.head4;
	sl_media_report(media, 1, 1, &work->result);
}

/* An RTP packet of the side that @gram belongs to. */
SL_INLINE void sl_media_take(struct sl_datagram *gram, struct sl_work *work)
{
	const struct sl_packet *packet = &work->packet;
	int place = sl_media_find(gram, packet->head8);

	if (place < 0)
		return;
	struct sl_media *media = &gram->media[place & (SL_MEDIA_STREAMS - 1)];
	uint32_t ahead = (uint16_t)(packet->head0 - media->seq);

	if (!media->used || media->ssrc != packet->head8) {
		sl_media_begin(media, work);
		return;
	}
	if (!media->valid) {
		sl_media_try(media, work);
		return;
	}
	if (ahead >= SL_MEDIA_DROPOUT && ahead <= 0x10000 - SL_MEDIA_MISORDER) {
		sl_media_jump(media, work);
		return;
	}
	if (ahead >= SL_MEDIA_DROPOUT)
		ahead = 0; /* late */
	media->seq = (uint16_t)(media->seq + ahead);
	if (media->unit)
		sl_media_jitter(media, work->now_tick, packet->head4);
	else if (ahead)
		sl_media_learn(media, work->now_tick, packet->head4);
	sl_media_report(media, 1, ahead, &work->result);
}

#endif
