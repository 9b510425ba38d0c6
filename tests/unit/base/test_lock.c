/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/lock.h"
#include "tests/unit/base/temp.h"
#include "tests/unit/test.h"

START_TEST(excludes)
{
	struct temp temp;
	struct error err = { 0 };
	int shared, second, exclusive;

	temp_make(&temp);
	shared = lock_acquire(&temp.dir, "lock", LOCK_SHARED, &err);
	second = lock_try(&temp.dir, "lock", LOCK_SHARED, &err);
	ck_assert_int_ge(shared, 0);
	ck_assert_int_ge(second, 0);
	ck_assert_int_eq(lock_try(&temp.dir, "lock", LOCK_EXCLUSIVE, &err), -EWOULDBLOCK);
	close_fd(&shared);
	close_fd(&second);
	exclusive = lock_acquire(&temp.dir, "lock", LOCK_EXCLUSIVE, &err);
	ck_assert_int_ge(exclusive, 0);
	ck_assert_int_eq(lock_try(&temp.dir, "lock", LOCK_SHARED, &err), -EWOULDBLOCK);
	close_fd(&exclusive);
	temp_remove(&temp);
}
END_TEST

TEST_MAIN("base/lock", excludes)
