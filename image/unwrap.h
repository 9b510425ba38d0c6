/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The plain tar that a stranger's file has in it: `minictr-image unwrap`.  What comes out can be read
 * to its end, as a tar; what it says nobody has looked at.
 */
struct unwrap_options {
	int root_fd;      /* an empty directory, the root of this process from then on */
	int input_fd;     /* file or pipe */
	int output_fd;    /* an empty file */
	int result_fd;    /* for the answer, one JSON document: {}, or as load_run() has it */
	const char *name; /* of the input, for messages */
	const char *verb; /* and what it is for */
};

/* Returns the exit status. */
int unwrap_run(const struct unwrap_options *options);
