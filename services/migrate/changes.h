/* Applied versions of which nobody wrote down what they changed: the Supabase CLI applied them, and
 * when they were adopted that could not be found out. */
#pragma once

#include "scratch.h"

/* Their entries in m->plan, ascending; ret_count of them. */
const struct plan_entry **changes_unknown(struct migrate *m, size_t *ret_count);

/* What the files make, in a scratch database, and where this one differs from it. Outside of a
 * transaction; scratch_done also after a fault. Faults as scratch_make. */
enum migrate_exit changes_find_out(struct migrate *m, struct scratch *ret_scratch,
                                   struct fold_differences *ret_differences, struct fault *fault);
/* Inside a transaction: give those rows their changes. What differs of them, or was added, counts
 * as it is, so that from now on drift is what happens to it later; the note says how much that is.
 * What differs of the other rows is left to `verify`. */
enum migrate_exit changes_record(struct migrate *m, const struct scratch *scratch,
                                 const struct fold_differences *differences, struct fault *fault);
