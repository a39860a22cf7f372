/* What liar.c and its tests have in common. */
#ifndef LIAR_H
#define LIAR_H

#define LIAR_WORK_MS 100 /* processor time of a job that waits for it most of the time */

#endif
