/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>
#include <unistd.h>

#include "image/contents.h"
#include "image/limits.h"
#include "image/manifest.h"
#include "tests/unit/image/tarball.h"
#include "tests/unit/test.h"

#define OCI     "application/vnd.oci.image."
#define DIFF_ID "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER   "sha256:2222222222222222222222222222222222222222222222222222222222222222"
#define CONFIG                              \
	"{\"architecture\":\"" MINICTR_ARCH \
	"\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}"

/* ---- archives -------------------------------------------------------------------------------- */

static struct tarball archive_tar;

static void add_file(const char *name, const char *text)
{
	tarball_add(&archive_tar, (struct tarball_entry){ .name = name, .data = text });
}

/* Adds a blob; its descriptor as text (static storage of the call's place). */
#define DESCRIPTOR 400
static void add_blob(const char *kind, const char *text, char ret[DESCRIPTOR], const char *more)
{
	char digest[DIGEST_TEXT];
	auto_free char *name = NULL;

	digest_of(text, strlen(text), digest);
	name = xasprintf("blobs/sha256/%s", digest_hex(digest));
	add_file(name, text);
	(void)snprintf(ret, DESCRIPTOR,
		       "{\"mediaType\":\"" OCI "%s\",\"digest\":\"%s\",\"size\":%zu%s}", kind,
		       digest, strlen(text), more);
}

/* An image of one layer; its manifest's descriptor. */
static void add_image(const char *layer, const char *diff_ids, const char *more,
		      char ret[DESCRIPTOR])
{
	auto_free char *config = xasprintf(CONFIG, diff_ids);
	auto_free char *manifest = NULL;
	char config_descriptor[DESCRIPTOR], layer_descriptor[DESCRIPTOR];

	add_blob("config.v1+json", config, config_descriptor, "");
	add_blob("layer.v1.tar", layer, layer_descriptor, "");
	manifest = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI
			     "manifest.v1+json\",\"config\":%s,\"layers\":[%s]}",
			     config_descriptor, layer_descriptor);
	add_blob("manifest.v1+json", manifest, ret, more);
}

static void add_index(const char *entries)
{
	auto_free char *text = xasprintf("{\"schemaVersion\":2,\"manifests\":[%s]}", entries);

	add_file("index.json", text);
}

/* Reads what was added since the last time. */
static int read_contents(struct contents *ret, struct error *err)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);
	auto_archive struct archive *archive = NULL;
	int rc;

	tarball_end(&archive_tar);
	ck_assert_int_eq(write(fd, archive_tar.bytes.text, archive_tar.bytes.len),
			 (ssize_t)archive_tar.bytes.len);
	archive = archive_open(fd, -1, err);
	ck_assert_msg(archive, "%s", err->msg);
	rc = contents_read(archive, ret, err);
	close_fd(&fd);
	tarball_fini(&archive_tar);
	archive_tar = (struct tarball){ 0 };
	return rc;
}

static void refuse(const char *wanted)
{
	auto_contents struct contents contents = { 0 };
	struct error err = { 0 };

	ck_assert_msg(read_contents(&contents, &err) < 0, "reads, wanted '%s'", wanted);
	ck_assert_msg(strstr(err.msg, wanted), "'%s' has no '%s'", err.msg, wanted);
	ck_assert_ptr_null(strchr(err.msg, '\n'));
}

#define NAME(name)     ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"" name "\"}"
#define PLATFORM(arch) ",\"platform\":{\"architecture\":\"" arch "\",\"os\":\"linux\"}"

/* ---- OCI image layouts ----------------------------------------------------------------------- */

START_TEST(reads_a_layout)
{
	auto_contents struct contents c = { 0 };
	auto_free char *result = NULL;
	auto_free char *wanted = NULL;
	char descriptor[DESCRIPTOR];
	struct error err = { 0 };

	add_image("layer", "\"" DIFF_ID "\"", NAME("x:1"), descriptor);
	add_index(descriptor);
	ck_assert_msg(read_contents(&c, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(c.n_images, 1);
	ck_assert_uint_eq(c.n_layers, 1);
	ck_assert_uint_eq(c.images[0].n_layers, 1);
	ck_assert_str_eq(c.layers[0].diff_id, DIFF_ID);
	ck_assert_uint_eq(c.layers[0].part.size, 5);
	ck_assert(digest_is_valid(c.layers[0].digest));
	ck_assert_str_eq(c.images[0].names.items[0], "x:1");

	c.layers[0].unpacked = 77;
	contents_make_manifests(&c); /* it has one */
	result = contents_result(&c);
	wanted = xasprintf("{\"images\":[{\"names\":[\"x:1\"],\"manifest\":\"%s\",\"size\":77}]}",
			   c.images[0].manifest.digest);
	ck_assert_str_eq(result, wanted);
}
END_TEST

/* Names apart; layers that several images have, once. */
START_TEST(reads_several_images)
{
	auto_contents struct contents c = { 0 };
	auto_free char *entries = NULL;
	char one[DESCRIPTOR], two[DESCRIPTOR], none[DESCRIPTOR];
	struct error err = { 0 };

	add_image("layer", "\"" DIFF_ID "\"", NAME("one"), one);
	add_image("other", "\"" OTHER "\"", NAME("two"), two);
	add_image("layer", "\"" DIFF_ID "\"", "", none);
	entries = xasprintf("%s,%s,%s", one, two, none);
	add_index(entries);
	ck_assert_msg(read_contents(&c, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(c.n_images, 3);
	ck_assert_uint_eq(c.n_layers, 2);
	ck_assert_str_eq(c.images[1].names.items[0], "two");
	ck_assert_uint_eq(c.images[2].names.n, 0);
	ck_assert_uint_eq(c.images[2].layers[0], c.images[0].layers[0]);
	ck_assert_uint_eq(c.images[1].layers[0], 1);
}
END_TEST

/* The one for this machine, in an index or as entries of one name; others may be missing. */
START_TEST(chooses_by_platform)
{
	static const char missing[] =
		"{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"" OTHER
		"\",\"size\":5" PLATFORM("s390x") "}";
	auto_contents struct contents c = { 0 };
	auto_free char *inner = NULL;
	auto_free char *entries = NULL;
	char good[DESCRIPTOR], index[DESCRIPTOR];
	struct error err = { 0 };

	add_image("layer", "\"" DIFF_ID "\"", PLATFORM(MINICTR_ARCH), good);
	inner = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI
			  "index.v1+json\",\"manifests\":[%s,%s]}",
			  missing, good);
	add_blob("index.v1+json", inner, index, NAME("multi"));
	entries = xasprintf("%s,%s,%s", index, missing, good);
	add_index(entries);
	ck_assert_msg(read_contents(&c, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(c.n_images, 2);
	ck_assert_str_eq(c.images[0].names.items[0], "multi");
	ck_assert_str_eq(c.images[0].manifest.digest, c.images[1].manifest.digest);

	add_index(missing);
	refuse("'blobs/sha256/2222222222222222222222222222222222222222222222222222222222222222' is "
	       "missing");
}
END_TEST

START_TEST(limits_nesting)
{
	char descriptor[DESCRIPTOR];

	add_image("layer", "\"" DIFF_ID "\"", "", descriptor);
	for (int i = 0; i < INDEX_MAX_DEPTH; i++) {
		auto_free char *index = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI
						  "index.v1+json\",\"manifests\":[%s]}",
						  descriptor);

		add_blob("index.v1+json", index, descriptor, "");
	}
	add_index(descriptor);
	refuse("more than 4 indexes in each other");
}
END_TEST

START_TEST(limits_images)
{
	auto_str struct str entries = { 0 };

	for (unsigned int i = 0; i <= LOAD_MAX_IMAGES; i++) {
		auto_free char *name = xasprintf(
			",\"annotations\":{\"org.opencontainers.image.ref.name\":\"n%u\"}", i);
		char descriptor[DESCRIPTOR];

		add_image("layer", "\"" DIFF_ID "\"", name, descriptor);
		str_addf(&entries, "%s%s", i ? "," : "", descriptor);
	}
	add_index(entries.text);
	refuse("more than 64 images");
}
END_TEST

START_TEST(verifies_documents)
{
	char descriptor[DESCRIPTOR], wrong[DESCRIPTOR];

	add_image("layer", "\"" DIFF_ID "\"", "", descriptor);
	/* a size that is one more than there is: the last digit before the brace */
	(void)strcpy(wrong, descriptor);
	wrong[strlen(wrong) - 2] = wrong[strlen(wrong) - 2] == '9' ? '0' : '9';
	add_index(wrong);
	refuse("size is");

	/* content behind a digest of something else */
	add_file("blobs/sha256/1111111111111111111111111111111111111111111111111111111111111111",
		 "{}");
	add_index("{\"mediaType\":\"" OCI "manifest.v1+json\",\"digest\":\"" DIFF_ID
		  "\",\"size\":2}");
	refuse("blob '" DIFF_ID "': digest is sha256:");

	add_image("layer", "", "", descriptor);
	add_index(descriptor);
	refuse("the manifest has 1 layers, the config 0 diff_ids");
}
END_TEST

START_TEST(verifies_sizes_of_layers)
{
	auto_free char *config = xasprintf(CONFIG, "\"" DIFF_ID "\"");
	auto_free char *manifest = NULL;
	char config_descriptor[DESCRIPTOR], layer[DESCRIPTOR], descriptor[DESCRIPTOR];

	add_blob("config.v1+json", config, config_descriptor, "");
	add_blob("layer.v1.tar", "layer", layer, "");
	(void)strcpy(strstr(layer, "\"size\""), "\"size\":6}");
	manifest = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI
			     "manifest.v1+json\",\"config\":%s,\"layers\":[%s]}",
			     config_descriptor, layer);
	add_blob("manifest.v1+json", manifest, descriptor, "");
	add_index(descriptor);
	refuse("size is 5 bytes, expected 6");
}
END_TEST

START_TEST(refuses_other_platforms)
{
	static const char config[] = "{\"architecture\":\"s390x\",\"os\":\"linux\",\"rootfs\":{"
				     "\"type\":\"layers\",\"diff_ids\":[]}}";
	auto_free char *manifest = NULL;
	char config_descriptor[DESCRIPTOR], descriptor[DESCRIPTOR];

	add_blob("config.v1+json", config, config_descriptor, "");
	manifest = xasprintf("{\"schemaVersion\":2,\"mediaType\":\"" OCI
			     "manifest.v1+json\",\"config\":%s,\"layers\":[]}",
			     config_descriptor);
	add_blob("manifest.v1+json", manifest, descriptor, "");
	add_index(descriptor);
	refuse("s390x");
}
END_TEST

/* ---- docker's archives ----------------------------------------------------------------------- */

START_TEST(reads_a_docker_archive)
{
	auto_contents struct contents c = { 0 };
	auto_image_manifest struct image_manifest manifest = { 0 };
	auto_free char *config = xasprintf(CONFIG, "\"" DIFF_ID "\",\"" OTHER "\"");
	auto_free char *name = NULL;
	auto_free char *text = NULL;
	struct error err = { 0 };
	char digest[DIGEST_TEXT];

	digest_of(config, strlen(config), digest);
	name = xasprintf("%s.json", digest_hex(digest));
	text = xasprintf("[{\"Config\":\"%s\",\"RepoTags\":[\"a:1\",\"b:2\"],"
			 "\"Layers\":[\"x/layer.tar\",\"y/layer.tar\"]}]",
			 name);
	add_file(name, config);
	add_file("manifest.json", text);
	add_file("x/layer.tar", "first");
	add_file("y/layer.tar", "second");
	ck_assert_msg(read_contents(&c, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(c.n_images, 1);
	ck_assert_uint_eq(c.images[0].names.n, 2);
	ck_assert_uint_eq(c.n_layers, 2);
	ck_assert_str_eq(c.layers[1].digest, "");
	ck_assert_str_eq(c.layers[1].diff_id, OTHER);
	ck_assert_ptr_null(c.images[0].manifest.text);

	/* What the unpackers found out makes the manifest. */
	(void)strcpy(c.layers[0].digest, DIFF_ID);
	(void)strcpy(c.layers[1].digest, DIFF_ID);
	c.layers[1].packing = INFLATE_ZSTD;
	contents_make_manifests(&c);
	ck_assert_msg(image_manifest_parse("made", MEDIA_TYPE_MANIFEST, c.images[0].manifest.text,
					   c.images[0].manifest.len, &manifest, &err) == 0,
		      "%s", err.msg);
	ck_assert_str_eq(manifest.config.digest, digest);
	ck_assert_uint_eq(manifest.config.size, strlen(config));
	ck_assert_uint_eq(manifest.n_layers, 2);
	ck_assert_int_eq(media_kind(manifest.layers[0].media_type), MEDIA_LAYER_TAR);
	ck_assert_int_eq(media_kind(manifest.layers[1].media_type), MEDIA_LAYER_ZSTD);
	ck_assert_uint_eq(manifest.layers[1].size, 6);
}
END_TEST

START_TEST(refuses_docker_archives)
{
	auto_free char *config = xasprintf(CONFIG, "\"" DIFF_ID "\"");

	add_file("c.json", config);
	add_file("manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"l\"]}]");
	refuse("'l' is missing");

	add_file("c.json", config);
	add_file("manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[]}]");
	refuse("manifest.json has 0 layers, the config 1 diff_ids");

	add_file("1111111111111111111111111111111111111111111111111111111111111111.json", config);
	add_file("manifest.json",
		 "[{\"Config\":\"1111111111111111111111111111111111111111111111111111111111111111"
		 ".json\",\"Layers\":[\"l\"]}]");
	refuse(".json': digest is sha256:");

	add_file("manifest.json", "[]");
	refuse("manifest.json: no image in it");
	add_file("manifest.json", "[{]");
	refuse("manifest.json:1:");
}
END_TEST

START_TEST(refuses_what_has_no_image)
{
	add_file("hello", "world");
	refuse("neither index.json nor manifest.json");
	add_index("");
	refuse("index.json: no image in it");
	add_file("index.json", "{,}");
	refuse("index.json:1:");
}
END_TEST

TEST_MAIN("image/contents", reads_a_layout, reads_several_images, chooses_by_platform,
	  limits_nesting, limits_images, verifies_documents, verifies_sizes_of_layers,
	  refuses_other_platforms, reads_a_docker_archive, refuses_docker_archives,
	  refuses_what_has_no_image)
