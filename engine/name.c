/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/name.h"

#include <stdio.h>

#include "base/macros.h"

static const char *const adjectives[] = {
	"able",    "airy",    "amber",  "apt",    "awake",  "azure",  "balmy",  "blithe",
	"bold",    "brave",   "bright", "brisk",  "calm",   "candid", "chirpy", "civil",
	"clear",   "clever",  "cosy",   "crisp",  "dapper", "daring", "deft",   "eager",
	"earnest", "easy",    "fair",   "fleet",  "fond",   "frank",  "fresh",  "gentle",
	"glad",    "golden",  "hale",   "handy",  "hearty", "humble", "jaunty", "keen",
	"kind",    "lively",  "loyal",  "lucid",  "merry",  "mild",   "neat",   "nimble",
	"noble",   "patient", "placid", "plucky", "polite", "proud",  "quick",  "quiet",
	"sage",    "sunny",   "sturdy", "swift",  "tidy",   "upbeat", "vivid",  "witty",
};

/* People to whom computing, and what it stands on, owes something. */
static const char *const surnames[] = {
	"abel",     "allen",    "babbage",   "backus",    "bartik",    "berners",   "blackwell",
	"boole",    "borg",     "cantor",    "cerf",      "church",    "clarke",    "conway",
	"curie",    "dahl",     "dijkstra",  "engelbart", "erdos",     "euler",     "fermat",
	"floyd",    "fourier",  "galois",    "gauss",     "germain",   "goedel",    "goldberg",
	"hamilton", "hamming",  "hilbert",   "hoare",     "hollerith", "holberton", "hopper",
	"huffman",  "jacquard", "johnson",   "kahn",      "kay",       "kernighan", "kleene",
	"knuth",    "lamarr",   "lamport",   "leibniz",   "liskov",    "lovelace",  "mccarthy",
	"meitner",  "minsky",   "naur",      "neumann",   "noether",   "nygaard",   "pascal",
	"perlman",  "postel",   "ramanujan", "ritchie",   "shannon",   "thompson",  "turing",
	"zuse",
};

void name_make(uint32_t random, unsigned int attempt, char *buf, size_t size)
{
	const char *adjective = adjectives[random % ARRAY_LEN(adjectives)];
	const char *surname = surnames[random / ARRAY_LEN(adjectives) % ARRAY_LEN(surnames)];

	if (attempt < 10)
		(void)snprintf(buf, size, "%s_%s", adjective, surname);
	else
		(void)snprintf(buf, size, "%s_%s_%u", adjective, surname, random >> 12);
}
