/*
 * policy_units.c - numbers with units to base units and back; see the header
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "policy_units.h"

#define DECIMALS_MAX 6

const struct sl_unit sl_units_rate[] = {
	{"gbit", 1000000000}, {"mbit", 1000000}, {"kbit", 1000}, {"bit", 1}, {NULL, 0},
};
const struct sl_unit sl_units_bytes[] = {
	{"TB", 1000000000000}, {"GB", 1000000000}, {"MB", 1000000},
	{"KB", 1000},          {"B", 1},           {NULL, 0},
};
const struct sl_unit sl_units_time[] = {
	{"min", 60000000000}, {"s", 1000000000}, {"ms", 1000000},
	{"us", 1000},         {"ns", 1},         {NULL, 0},
};
const struct sl_unit sl_units_span[] = {
	{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}, {NULL, 0},
};
const struct sl_unit sl_units_share[] = {{"%", 10000}, {NULL, 0}};

static const struct {
	const char *name;
	uint8_t dscp;
} dscp_names[] = {
	{"CS0", 0},   {"LE", 1},    {"CS1", 8},   {"AF11", 10}, {"AF12", 12}, {"AF13", 14},
	{"CS2", 16},  {"AF21", 18}, {"AF22", 20}, {"AF23", 22}, {"CS3", 24},  {"AF31", 26},
	{"AF32", 28}, {"AF33", 30}, {"CS4", 32},  {"AF41", 34}, {"AF42", 36}, {"AF43", 38},
	{"CS5", 40},  {"VA", 44},   {"EF", 46},   {"CS6", 48},  {"CS7", 56},
};

#define DSCP_NAMES (sizeof(dscp_names) / sizeof(dscp_names[0]))

static const struct sl_protocol protocols[] = {
	{"tcp", IPPROTO_TCP, true},        {"udp", IPPROTO_UDP, true},
	{"sctp", IPPROTO_SCTP, true},      {"icmp", IPPROTO_ICMP, false},
	{"icmpv6", IPPROTO_ICMPV6, false}, {"gre", IPPROTO_GRE, false},
	{"esp", IPPROTO_ESP, false},
};

#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

/* Digits at *@text, at most @most of them; how many there were.  *@text moves past them. */
static size_t take_digits(const char **text, size_t most, uint64_t *value)
{
	size_t digits = 0;

	*value = 0;
	while (digits < most && (*text)[0] >= '0' && (*text)[0] <= '9') {
		*value = *value * 10 + (uint64_t)(**text - '0');
		++*text;
		digits++;
	}
	return digits;
}

static const struct sl_unit *unit_named(const char *name, const struct sl_unit *units)
{
	while (units->name && strcmp(units->name, name) != 0)
		units++;
	return units->name ? units : NULL;
}

bool sl_units_read(const char *text, const struct sl_unit *units, uint64_t *value)
{
	uint64_t whole, part = 0, scale = 1, total;
	const struct sl_unit *unit;
	size_t decimals = 0;

	/* 12 digits of anything fit in 64 bits; so does their product, or it is caught. */
	if (!take_digits(&text, 12, &whole))
		return false;
	if (*text == '.') {
		text++;
		decimals = take_digits(&text, DECIMALS_MAX, &part);
		if (!decimals)
			return false;
	}
	unit = unit_named(text, units);
	if (!unit)
		return false;
	while (decimals--)
		scale *= 10;
	if (part * unit->factor % scale || __builtin_mul_overflow(whole, unit->factor, &total) ||
	    __builtin_add_overflow(total, part * unit->factor / scale, &total))
		return false;
	*value = total;
	return true;
}

bool sl_units_read_whole(const char *text, uint64_t *value)
{
	uint64_t whole;

	if (!take_digits(&text, 19, &whole) || *text)
		return false;
	*value = whole;
	return true;
}

static const char *write_share(uint64_t ppm, char *text)
{
	int length = snprintf(text, SL_UNITS_TEXT_MAX, "%" PRIu64 ".%04" PRIu64, ppm / 10000,
			      ppm % 10000);

	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	snprintf(text + length, SL_UNITS_TEXT_MAX - (size_t)length, "%%");
	return text;
}

const char *sl_units_write(uint64_t value, const struct sl_unit *units, char *text)
{
	if (units == sl_units_share)
		return write_share(value, text);
	while (units->factor > 1 && (value < units->factor || value % units->factor))
		units++;
	snprintf(text, SL_UNITS_TEXT_MAX, "%" PRIu64 "%s", value / units->factor, units->name);
	return text;
}

bool sl_units_read_dscp(const char *text, uint8_t *dscp)
{
	uint64_t number;

	for (size_t i = 0; i < DSCP_NAMES; i++) {
		if (strcasecmp(text, dscp_names[i].name))
			continue;
		*dscp = dscp_names[i].dscp;
		return true;
	}
	if (!sl_units_read_whole(text, &number) || number > 63)
		return false;
	*dscp = (uint8_t)number;
	return true;
}

const char *sl_units_write_dscp(uint8_t dscp, char *text)
{
	snprintf(text, SL_UNITS_TEXT_MAX, "%u", dscp);
	for (size_t i = 0; i < DSCP_NAMES; i++) {
		if (dscp_names[i].dscp == dscp)
			snprintf(text, SL_UNITS_TEXT_MAX, "%s", dscp_names[i].name);
	}
	return text;
}

const struct sl_protocol *sl_units_protocol(const char *name, size_t length)
{
	for (size_t i = 0; i < PROTOCOLS; i++) {
		if (strlen(protocols[i].name) == length && !memcmp(protocols[i].name, name, length))
			return &protocols[i];
	}
	return NULL;
}

const char *sl_units_protocol_name(uint8_t number)
{
	for (size_t i = 0; i < PROTOCOLS; i++) {
		if (protocols[i].number == number)
			return protocols[i].name;
	}
	return "?";
}
