/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "image/limits.h"
#include "image/tar_internal.h"

/* GNU tar manual, "Storing Sparse Files". */

int tar_map_add(struct tar_map *map, uint64_t offset, uint64_t len, struct error *err)
{
	if (map->n == TAR_MAX_SEGMENTS)
		return err_set(err, E2BIG, "sparse file: more than %u pieces of data",
			       TAR_MAX_SEGMENTS);
	if (map->n == map->room) {
		map->room = map->room ? map->room * 2 : 16;
		map->segments = xrealloc(map->segments, map->room, sizeof(*map->segments));
	}
	map->segments[map->n++] = (struct tar_segment){ .offset = offset, .len = len };
	return 0;
}

int tar_map_check(const struct tar_map *map, uint64_t size, uint64_t stored, struct error *err)
{
	uint64_t end = 0, sum = 0;

	for (size_t i = 0; i < map->n; i++) {
		const struct tar_segment *segment = &map->segments[i];

		if (segment->offset < end || segment->offset > size ||
		    segment->len > size - segment->offset)
			return err_set(err, EINVAL,
				       "sparse file: data of %" PRIu64 " bytes at %" PRIu64
				       " overlaps or lies outside of its %" PRIu64 " bytes",
				       segment->len, segment->offset, size);
		end = segment->offset + segment->len;
		sum += segment->len;
	}
	if (sum != stored)
		return err_set(err, EINVAL,
			       "sparse file: its map has %" PRIu64 " bytes, the archive %" PRIu64,
			       sum, stored);
	return 0;
}

int tar_map_from_text(struct tar_map *map, const char *text, const char *end, struct error *err)
{
	while (text < end) {
		const char *first = memchr(text, ',', (size_t)(end - text));
		const char *second;
		uint64_t offset, len;
		int rc;

		if (!first || !tar_decimal(text, first, &offset))
			return err_set(err, EINVAL, "sparse file: its map is no list of numbers");
		second = memchr(first + 1, ',', (size_t)(end - first - 1));
		if (!tar_decimal(first + 1, second ? second : end, &len))
			return err_set(err, EINVAL, "sparse file: its map is no list of numbers");
		rc = tar_map_add(map, offset, len, err);
		if (rc < 0)
			return rc;
		text = second ? second + 1 : end;
	}
	return 0;
}

/* A line of the map is whole. */
static int take_number(struct tar_map *map, struct tar_map_reader *reader, struct error *err)
{
	uint64_t value;

	if (!tar_decimal(reader->digits, reader->digits + reader->n_digits, &value))
		return err_set(err, EINVAL, "sparse file: its map has a line without a number");
	reader->n_digits = 0;
	if (!reader->is_counted) {
		if (value > TAR_MAX_SEGMENTS)
			return err_set(err, E2BIG,
				       "sparse file: %" PRIu64 " pieces of data, the limit is %u",
				       value, TAR_MAX_SEGMENTS);
		reader->is_counted = true;
		reader->want = 2 * value;
		return 0;
	}
	reader->want--;
	if (!reader->has_offset) {
		reader->has_offset = true;
		reader->offset = value;
		return 0;
	}
	reader->has_offset = false;
	return tar_map_add(map, reader->offset, value, err);
}

int tar_map_take_block(struct tar_map *map, struct tar_map_reader *reader, const char *block,
		       bool *ret_done, struct error *err)
{
	for (size_t i = 0; i < TAR_BLOCK_SIZE && !(reader->is_counted && reader->want == 0); i++) {
		int rc;

		if (block[i] != '\n') {
			if (reader->n_digits == sizeof(reader->digits))
				return err_set(err, EINVAL,
					       "sparse file: its map has a line that is too long");
			reader->digits[reader->n_digits++] = block[i];
			continue;
		}
		rc = take_number(map, reader, err);
		if (rc < 0)
			return rc;
	}
	*ret_done = reader->is_counted && reader->want == 0;
	return 0;
}
