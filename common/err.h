/* The one error idiom: a negative errno, and a sentence kept beside it. */
#ifndef KB_COMMON_ERR_H
#define KB_COMMON_ERR_H

/*
 * Every function that can fail returns 0, a negative errno, or a positive
 * value that its header names. Who creates an error says once what happened;
 * everybody above passes the number on unchanged, and the program prints the
 * sentence. The words:
 *
 *	-ENOENT missing, -EBADMSG corrupt, -EPROTONOSUPPORT newer format,
 *	-ESTALE index and store disagree, -EEXIST somebody else published it,
 *	-EACCES refused, -ETIMEDOUT deadline, -EIO after retries,
 *	-EINVAL the user's settings, -ECANCELED shutdown, -ENOMEM.
 */

/* Keeps the sentence for this thread and returns code (which is negative). */
int
kb_err(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * The sentence of this thread's last kb_err(); never NULL. Valid until the
 * thread's next kb_err().
 */
const char *
kb_err_text(void);

/* An error on its way from one thread to another. */
struct kb_failure {
	int code; /* 0: none */
	char text[480];
};

/* Copies this thread's sentence, with code, into out. */
void
kb_failure_take(struct kb_failure *out, int code);

/* Makes f this thread's error; returns f->code. */
int
kb_failure_raise(const struct kb_failure *f);

#endif
