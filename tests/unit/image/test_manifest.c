/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "image/manifest.h"
#include "tests/unit/test.h"

#define HEX  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D    "sha256:" HEX
#define D2   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OCI  "application/vnd.oci.image."
#define DOCK "application/vnd.docker."

/* ' in place of ", for the eye; the caller frees. */
static char *json(const char *text)
{
	char *copy = xstrdup(text);

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

#define ITEM(type, digest) "{'mediaType':'" type "','digest':'" digest "','size':7}"
#define CONFIG             ITEM(OCI "config.v1+json", D)
#define LAYER              ITEM(OCI "layer.v1.tar+gzip", D2)
#define MANIFEST(members)  "{'schemaVersion':2," members "}"

START_TEST(knows_media_types)
{
	static const struct {
		const char *type;
		enum media_kind kind;
	} rows[] = {
		{ MEDIA_TYPE_INDEX, MEDIA_INDEX },
		{ DOCK "distribution.manifest.list.v2+json", MEDIA_INDEX },
		{ MEDIA_TYPE_MANIFEST, MEDIA_MANIFEST },
		{ DOCK "distribution.manifest.v2+json", MEDIA_MANIFEST },
		{ DOCK "distribution.manifest.v1+json", MEDIA_UNKNOWN },
		{ MEDIA_TYPE_CONFIG, MEDIA_CONFIG },
		{ DOCK "container.image.v1+json", MEDIA_CONFIG },
		{ MEDIA_TYPE_LAYER, MEDIA_LAYER_TAR },
		{ OCI "layer.v1.tar+gzip", MEDIA_LAYER_GZIP },
		{ OCI "layer.v1.tar+zstd", MEDIA_LAYER_ZSTD },
		{ OCI "layer.v1.tar+xz", MEDIA_UNKNOWN },
		{ DOCK "image.rootfs.diff.tar.gzip", MEDIA_LAYER_GZIP },
		{ DOCK "image.rootfs.foreign.diff.tar.gzip", MEDIA_LAYER_GZIP },
		{ "", MEDIA_UNKNOWN },
		{ NULL, MEDIA_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_int_eq(media_kind(rows[i].type), rows[i].kind);
}
END_TEST

START_TEST(reads_a_manifest)
{
	auto_image_manifest struct image_manifest m = { 0 };
	auto_free char *text = json(MANIFEST(
		"'mediaType':'" OCI "manifest.v1+json','config':" CONFIG ",'layers':[" LAYER
		"," ITEM(MEDIA_TYPE_LAYER, D) "],"
					      "'annotations':{'a':'b'}"));
	struct error err = { 0 };

	ck_assert_int_eq(
		image_manifest_parse("m", MEDIA_TYPE_MANIFEST, text, strlen(text), &m, &err), 0);
	ck_assert_str_eq(m.media_type, MEDIA_TYPE_MANIFEST);
	ck_assert_str_eq(m.config.digest, D);
	ck_assert_uint_eq(m.config.size, 7);
	ck_assert_uint_eq(m.n_layers, 2);
	ck_assert_str_eq(m.layers[0].digest, D2);
	ck_assert_str_eq(m.layers[1].media_type, MEDIA_TYPE_LAYER);
}
END_TEST

START_TEST(writes_a_manifest_that_it_reads)
{
	const struct descriptor config = {
		.media_type = (char *)(uintptr_t)MEDIA_TYPE_CONFIG,
		.digest = (char *)(uintptr_t)D,
		.size = 12345678901,
	};
	const struct descriptor layer = {
		.media_type = (char *)(uintptr_t)MEDIA_TYPE_LAYER,
		.digest = (char *)(uintptr_t)D2,
	};
	auto_image_manifest struct image_manifest m = { 0 };
	auto_free char *text = image_manifest_text(&config, &layer, 1);
	struct error err = { 0 };

	ck_assert_msg(image_manifest_parse("m", MEDIA_TYPE_MANIFEST, text, strlen(text), &m,
					   &err) == 0,
		      "%s", err.msg);
	ck_assert_uint_eq(m.config.size, 12345678901);
	ck_assert_str_eq(m.config.digest, D);
	ck_assert_uint_eq(m.n_layers, 1);
	ck_assert_str_eq(m.layers[0].digest, D2);
	ck_assert_uint_eq(m.layers[0].size, 0);
}
END_TEST

START_TEST(refuses_manifests)
{
	static const struct {
		const char *media_type, *text, *error;
	} rows[] = {
		{ NULL, "", "m:1:1: " },
		{ NULL, "[]", "m:1:1: expected an object, got an array" },
		{ NULL, "{}", "m:1:1: schemaVersion: missing" },
		{ NULL, "{'schemaVersion':1}", "m:1:18: schemaVersion: must be 2, got 1" },
		{ NULL, MANIFEST("'layers':[]"), "m:1:1: config: missing" },
		{ NULL, MANIFEST("'config':" CONFIG), "m:1:1: layers: missing" },
		{ NULL, MANIFEST("'config':" CONFIG ",'layers':[],'layers':[]"), "m:1:" },
		/* CVE-2021-41190 */
		{ NULL, MANIFEST("'config':" CONFIG ",'layers':[],'manifests':[]"),
		  "manifests: must not stand beside 'layers' or 'config'" },
		{ NULL,
		  MANIFEST("'mediaType':'" MEDIA_TYPE_INDEX "','config':" CONFIG ",'layers':[]"),
		  "mediaType: '" MEDIA_TYPE_INDEX "' is not an image's manifest" },
		{ MEDIA_TYPE_MANIFEST,
		  MANIFEST("'mediaType':'" DOCK "distribution.manifest.v2+json','config':" CONFIG
			   ",'layers':[]"),
		  "mediaType: '" DOCK "distribution.manifest.v2+json' is not what its descriptor "
		  "says, '" MEDIA_TYPE_MANIFEST "'" },
		{ NULL, MANIFEST("'mediaType':5,'config':" CONFIG ",'layers':[]"),
		  "mediaType: expected a string, got a number" },
		/* what is no image: an artifact, an unknown layer, a config as a layer */
		{ NULL, MANIFEST("'config':" ITEM("application/x.helm", D) ",'layers':[]"),
		  "config: 'application/x.helm' is not the config of an image" },
		{ NULL, MANIFEST("'config':" CONFIG ",'layers':[" LAYER "," CONFIG "]"),
		  "layers: '" OCI "config.v1+json' is not a layer that can be unpacked" },
		/* descriptors */
		{ NULL, MANIFEST("'config':" CONFIG ",'layers':[{'digest':'" D "','size':1}]"),
		  "layers[0].mediaType: missing" },
		{ NULL,
		  MANIFEST("'config':" CONFIG
			   ",'layers':[" ITEM(MEDIA_TYPE_LAYER, "sha256:../x") "]"),
		  "layers[0].digest: digest 'sha256:../x' is not 'sha256:' and 64 digits" },
		{ NULL,
		  MANIFEST("'config':" CONFIG ",'layers':[{'mediaType':'" MEDIA_TYPE_LAYER
			   "','digest':'" D "','size':-1}]"),
		  "layers[0].size: expected a whole number from 0 to" },
		{ NULL,
		  MANIFEST("'config':" CONFIG ",'layers':[{'mediaType':'" MEDIA_TYPE_LAYER
			   "','digest':'" D "','size':1.5}]"),
		  "layers[0].size: expected a whole number" },
		{ NULL,
		  MANIFEST("'config':" CONFIG ",'layers':[{'mediaType':'" MEDIA_TYPE_LAYER
			   "','digest':'" D "','size':9e99}]"),
		  "layers[0].size: expected a whole number" },
		{ NULL,
		  MANIFEST("'config':" CONFIG ",'layers':[{'mediaType':'" MEDIA_TYPE_LAYER
			   "','digest':'" D "'}]"),
		  "layers[0].size: missing" },
		{ NULL, MANIFEST("'config':[],'layers':[]"), "config: expected an object" },
		{ NULL, MANIFEST("'config':" CONFIG ",'layers':{}"), "layers: expected an array" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct image_manifest m = { .n_layers = 77 };
		auto_free char *text = json(rows[i].text);
		struct error err = { 0 };

		ck_assert_msg(image_manifest_parse("m", rows[i].media_type, text, strlen(text), &m,
						   &err) == -EINVAL,
			      "%s", rows[i].text);
		ck_assert_msg(strstr(err.msg, rows[i].error) != NULL, "%s:\n%s", rows[i].text,
			      err.msg);
		ck_assert_uint_eq(m.n_layers, 77);
	}
}
END_TEST

START_TEST(limits_layers_and_sizes)
{
	auto_str struct str text = { 0 };
	auto_free char *valid = NULL;
	auto_free char *large = xcalloc(1, MANIFEST_MAX_SIZE + 1);
	struct image_manifest m = { 0 };
	struct error err = { 0 };

	str_add(&text, "{'schemaVersion':2,'config':" CONFIG ",'layers':[");
	for (int i = 0; i <= IMAGE_MAX_LAYERS; i++)
		str_addf(&text, "%s%s", i ? "," : "", LAYER);
	str_add(&text, "]}");
	valid = json(text.text);
	ck_assert_int_eq(image_manifest_parse("m", NULL, valid, strlen(valid), &m, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "layers: 126 entries, the limit is 125"));

	ck_assert_int_eq(image_manifest_parse("m", NULL, large, MANIFEST_MAX_SIZE + 1, &m, &err),
			 -EFBIG);
	ck_assert_str_eq(err.msg, "m: 4194305 bytes, the limit is 4194304");
}
END_TEST

#define ENTRY(type, platform) \
	"{'mediaType':'" type "','digest':'" D "','size':1,'platform':{" platform "}}"
#define FOR(platform) ENTRY(MEDIA_TYPE_MANIFEST, platform)
#define LINUX(arch)   "'os':'linux','architecture':'" arch "'"

static const struct choice {
	const char *entries;
	int chosen; /* -1: none */
	const char *error;
} choices[] = {
	{ FOR(LINUX("arm64")) "," FOR(LINUX(MINICTR_ARCH)), 1 },
	{ FOR(LINUX(MINICTR_ARCH)) "," FOR(LINUX(MINICTR_ARCH)), 0 },
	{ FOR(LINUX(MINICTR_ARCH) ",'variant':'v3'") "," FOR(LINUX(MINICTR_ARCH)), 1 },
	{ FOR(LINUX(MINICTR_ARCH) ",'variant':'v3'") "," FOR(""), 0 },
	{ FOR(LINUX(MINICTR_ARCH) ",'variant':'v1'") "," FOR(LINUX(MINICTR_ARCH)), 0 },
	{ FOR("") "," FOR(LINUX(MINICTR_ARCH)), 1 },
	{ FOR("'os':'windows','architecture':'" MINICTR_ARCH "'") "," FOR(""), 1 },
	{ ENTRY(MEDIA_TYPE_INDEX, ""), 0 },
	{ ENTRY(MEDIA_TYPE_CONFIG, LINUX(MINICTR_ARCH)), -1,
	  "no image for linux/" MINICTR_ARCH " in the index, which has linux/" MINICTR_ARCH },
	/* an attestation beside an image for another machine */
	{ FOR(LINUX("arm64") ",'variant':'v8'") "," FOR("'os':'unknown','architecture':'unknown'"),
	  -1,
	  "no image for linux/" MINICTR_ARCH
	  " in the index, which has linux/arm64/v8, unknown/unknown" },
	{ "", -1, "no image for linux/" MINICTR_ARCH " in the index, which has none" },
};

START_TEST(chooses_by_platform)
{
	for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
		const struct choice *row = &choices[i];
		auto_image_index struct image_index index = { 0 };
		auto_free char *whole =
			xasprintf("{'schemaVersion':2,'manifests':[%s]}", row->entries);
		auto_free char *text = json(whole);
		const struct descriptor *entry = NULL;
		struct error err = { 0 };
		int rc;

		ck_assert_msg(image_index_parse("i", NULL, text, strlen(text), &index, &err) == 0,
			      "%s: %s", whole, err.msg);
		rc = image_index_choose(&index, &entry, &err);
		if (row->chosen >= 0) {
			ck_assert_msg(rc == 0, "%s: %s", whole, err.msg);
			ck_assert_msg(entry == &index.entries[row->chosen], "%s", whole);
		} else {
			ck_assert_int_eq(rc, -ENOENT);
			ck_assert_str_eq(err.msg, row->error);
		}
	}
}
END_TEST

START_TEST(refuses_indexes)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{ "{'schemaVersion':2}", "manifests: missing" },
		{ "{'schemaVersion':2,'manifests':[5]}",
		  "manifests[0]: expected an object, got a number" },
		{ "{'schemaVersion':2,'manifests':[],'layers':[]}", "must not stand beside" },
		{ "{'schemaVersion':2,'manifests':[],'config':{}}", "must not stand beside" },
		{ "{'schemaVersion':2,'mediaType':'" MEDIA_TYPE_MANIFEST "','manifests':[]}",
		  "is not an index" },
	};
	auto_str struct str many = { 0 };
	struct image_index index = { 0 };
	struct error err = { 0 };
	auto_free char *valid = NULL;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *text = json(rows[i].text);

		ck_assert_int_eq(image_index_parse("i", NULL, text, strlen(text), &index, &err),
				 -EINVAL);
		ck_assert_msg(strstr(err.msg, rows[i].error) != NULL, "%s", err.msg);
	}
	str_add(&many, "{'schemaVersion':2,'manifests':[");
	for (int i = 0; i <= INDEX_MAX_ENTRIES; i++)
		str_add(&many, i ? ",{}" : "{}");
	str_add(&many, "]}");
	valid = json(many.text);
	ck_assert_int_eq(image_index_parse("i", NULL, valid, strlen(valid), &index, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.msg, "manifests: 4097 entries, the limit is 4096"));
}
END_TEST

START_TEST(finds_names)
{
	static const struct {
		const char *annotations, *name;
	} rows[] = {
		{ "'org.opencontainers.image.ref.name':'x:1'", "x:1" },
		{ "'org.opencontainers.image.ref.name':'1','io.containerd.image.name':'x:1'",
		  "x:1" },
		{ "'org.opencontainers.image.ref.name':'1','io.containerd.image.name':''", "1" },
		{ "'org.opencontainers.image.ref.name':''", NULL },
		{ "'other':'x'", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		auto_image_index struct image_index index = { 0 };
		auto_free char *whole =
			xasprintf("{'schemaVersion':2,'manifests':[{'mediaType':'x','digest':'" D
				  "','size':1,'annotations':{%s}}]}",
				  rows[i].annotations);
		auto_free char *text = json(whole);
		struct error err = { 0 };

		ck_assert_int_eq(image_index_parse("i", NULL, text, strlen(text), &index, &err), 0);
		ck_assert_pstr_eq(descriptor_image_name(&index.entries[0]), rows[i].name);
	}
}
END_TEST

START_TEST(names_layers)
{
	char name[LAYER_NAME];

	layer_name(D, name);
	ck_assert_str_eq(name, "e3b0c44298fc1c149afbf4c8996fb924");
}
END_TEST

TEST_MAIN("image/manifest", knows_media_types, reads_a_manifest, writes_a_manifest_that_it_reads,
	  refuses_manifests, limits_layers_and_sizes, chooses_by_platform, refuses_indexes,
	  finds_names, names_layers)
