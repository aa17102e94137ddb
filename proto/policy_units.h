/*
 * policy_units.h - numbers with units as people write them: 500mbit, 5GB, 80ms, 0.5%
 *
 * A number is digits with up to six decimals, then a unit, nothing else.  What the
 * base unit cannot hold exactly is refused, not rounded.  Pure.
 */
#ifndef SL_POLICY_UNITS_H
#define SL_POLICY_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_UNITS_TEXT_MAX 40

struct sl_unit {
	const char *name;
	uint64_t factor;
};

/* Largest unit first; the list ends with a NULL name.  Base: bit/s, bytes, ns, ppm. */
extern const struct sl_unit sl_units_rate[], sl_units_bytes[], sl_units_time[], sl_units_share[];
extern const struct sl_unit sl_units_span[]; /* days to seconds; base: s */

/* True and *@value in the base unit, else *@value is untouched. */
bool sl_units_read(const char *text, const struct sl_unit *units, uint64_t *value);

/* Decimal digits only.  True and *@value, else *@value is untouched. */
bool sl_units_read_whole(const char *text, uint64_t *value);

/* @value as sl_units_read takes it back exactly, in the largest unit that needs no decimals
 * (a share: percent with decimals).  Returns @text, of SL_UNITS_TEXT_MAX bytes. */
const char *sl_units_write(uint64_t value, const struct sl_unit *units, char *text);

/* A DSCP by number or name (EF, AF41, CS1; RFC 4594, LE by RFC 8622).  False when it is none. */
bool sl_units_read_dscp(const char *text, uint8_t *dscp);
/* The name where there is one, else the number.  Returns @text, of SL_UNITS_TEXT_MAX bytes. */
const char *sl_units_write_dscp(uint8_t dscp, char *text);

struct sl_protocol {
	const char *name;
	uint8_t number;
	bool has_ports;
};

/* An IP protocol by the first @length bytes of @name; NULL when it is not known. */
const struct sl_protocol *sl_units_protocol(const char *name, size_t length);
/* "?" when it is not known. */
const char *sl_units_protocol_name(uint8_t number);

#endif
