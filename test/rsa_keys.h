/* Private keys of tests alone: to make one takes a sanitized program seconds. */
#ifndef TEST_RSA_KEYS_H
#define TEST_RSA_KEYS_H

#include "unit.h"

#include <openssl/pem.h>

/* 2,048 bits */
#define RSA_KEY \
	"-----BEGIN PRIVATE KEY-----\n" \
	"MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC8rtYF/A8gU/e7\n" \
	"muxAQqm15Bh6OV2hO+0KnOBofT4GghwQNWVbKMw1I5d9/Q0W7DogJZwfCinb4CAN\n" \
	"z8jVqbuI5HRWzSKP/NThLyvQe0B+IZkOjSJWaYJNvFn5XNy7uMbEpiJX9ou7aD69\n" \
	"myZCjFiWeVgty1wx3XwUGKiKwu7iCZnmvo4cVNnPD0nO7CJK8mxT7gANv8dXWLV0\n" \
	"5WWueZVs+yNlLq212ahdS4WydxAQWDJJm7aI/txtKQ6YmkDm+HPSZA1cW9KIvsbJ\n" \
	"/tVFQxkVGo7fAgaGwn2oZ7vPUWH0oB13pvWz2bkBg8qARUCo0g/wHP5ZKs26lwei\n" \
	"q5bkjMPlAgMBAAECggEAGCg/VSlSK3assVuSs2CFl3jibGWjV/US8oimz6H3WsB2\n" \
	"RNn9RdhZmtUZfIM1VZG9mGeQT0YPGWxe1j3b7gUq8kojnghqDCrX+5O9RZY+Kdf1\n" \
	"32/Q7WTZTsgWce+CgFNWOY+2tnHlroMYg1CVq7AJ2IwlLsnKXkUH8Y+9pnRyPsS4\n" \
	"gwtJq9fqBdXJamRMRliWV0GsnVlyp6gSS75UkEGsz331fFr1kPJBXIubYey9CJxr\n" \
	"ES58ej+PhXbcjpu4htg3xI7/uE8dj1XfmWJFU3BrwjvZ/ffNKZAVGM424Vx5I3+S\n" \
	"xfNvr0iW/slaekQPy6BduWlmUKucH/fSRJpX4e1EOQKBgQD/Uwxct9nqbgM8YOv6\n" \
	"ei9hQLrJM0dN/tiTXkooeXza/Obbe+VkOzi1ltmKKqsvHpiF/z4LBj5pHhDTGl6k\n" \
	"gnkdKk7oiaNnpJYmHk+kpuWldoDoAJmiE7+84QCXcIb77B2eENgxqxSJDHEf8m3H\n" \
	"gyrsszx8ULLFp2FNIxLOxOh3uQKBgQC9LqVpD6z3s15IsINXsEXuoxN87wRcevJg\n" \
	"5fpClOkMI07xvALtHQ+FjHCBSM4lMwagLsSmoTEVlvqywbwjC6cwQGb2bHD7nazt\n" \
	"fIcd1VvpmJ3uexL/x1rvzERwa9aIqafuuTNaNkRpimpSBrpXlpR2bADRihmA0qFC\n" \
	"vAxt9XzrjQKBgHi/u+71e/ekg59AbxmMQ3AI/s08lRJL3f0D8KpnmiauyDcwxvG6\n" \
	"GD2407TGLSMhoxxr89me4FEySN6tb+j5U3H5mkvbHA5eBiyM1TmXPLAd9STDc+T0\n" \
	"1g7rki4Mp6noprEkYjpLIHEYEz/6lPRwEhLTSV25hHJ5kEi8t55V/WLxAoGADwTs\n" \
	"BupCriukWZsB4m1RL//sZSfIrdro8T5w3uZZligbdV+az95VxCGBMRJpo1Rou0Db\n" \
	"RetYLUGeR6DP4exj6pXCVuAHHELJXtVbGMg+ks4WA7/rozjdhFowOMim8JSfi3lS\n" \
	"lV/nkIV3qWl1U8zVno02h2wyWCLgwJ6TUguCTmUCgYBhGkBzenXqfxAGe0PR2QoV\n" \
	"vngEOjTbz5LgIF95/IIyp+SkKwcfDw+5/coV/psjx8KbeWfgmJllVgk1j+Lr5YJK\n" \
	"+dCKuWBYD+mRnZgTecZxvFP7OlBBVKxuJaUnegRtN6X0DaoPPNN6v7ZqbzqBqke/\n" \
	"JZit4LdN+hHR/DbnaCthPg==\n" \
	"-----END PRIVATE KEY-----\n"

/* 2,048 bits */
#define RSA_KEY_OTHER \
	"-----BEGIN PRIVATE KEY-----\n" \
	"MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQCjCnW09UvKAS7M\n" \
	"8Hc7Tth+JGPna+rtj8Mxv2ksng53mUOObhNgmw0cjwXFwmbzVJ4V1RXZx0ArleRo\n" \
	"0hbgYPLecRfPPam9d+wmHWbbSrX/HDCg3qmFdFp/rjEQPM3sVcX5yC736ER4L4mw\n" \
	"PCWLwxE0GI35rlrNp/a2GX9PcSAhKH9k/irYk8ZMYCQHrcmCKelOVYcdVxqcWHUK\n" \
	"tlOcavkGKIqVLYLzsZGeXoPQDljr2OzBGUdE1H2JNhFXhOE20cx+TQgRbs7Siv2y\n" \
	"kJt+D3s8dcKBVNe0wx9whcBTTAS94+Rezfv0rWyixix9yXXI9+EkjEgmhukTI7wZ\n" \
	"9LSc0fdDAgMBAAECggEAKvst7qef9D/9k39tH1B42EBFqhOUGk6E+c9pLZ75V2Qr\n" \
	"IBg6uYQGn9nAftLyCwHqrvy+xuu1KghY75069Kn6PNP5n+O0pMNBmQa1P+hhNEC9\n" \
	"PRuV+x2iYfiM7Kfq7XvrNh8k6qvrqPd3R+ODTmX9WguDGihxvbei3Xy5SDsdaj/z\n" \
	"xCM6BLQ21Kr3hKAURy8rv8Sm+dSQHpdNkFW5feW2J/65x7IXo+Yg9LPKzLlUZM4Q\n" \
	"ej3WBTkW4zh3Qy2hyj0kZbKjjvEWxqqyKINlMPO87+R9hBlgE+LJfBH5V/1PwO2N\n" \
	"LqI9Csz82U3ILWfxYp8YA1u36IBWSacg7HDLwbEPuQKBgQDeQBiK8UWVTh6pyEJd\n" \
	"tY6afTKFm+7l0pi/+csPyZW0SVxKw8Fu/5Zv/IaXoz7aylM8CPntB6WBRaK3j0mE\n" \
	"QTO1Kbrb5m7uhhVCkMoVbCNz3Oef+s3RtSzb0FXeUPlhfcmMIXjEwNJWts8h83Nr\n" \
	"++mdT047pO4EH4FYzVqDXy5LxQKBgQC7zJ12LcYC/KiS++cabt1/hcjNKdBBMB2t\n" \
	"Rwrq3ZZlxRFUztxUWZvHMHq2uJiIhBSoumZS6xf1IdiSBPhM00HMjKOynMIAwJs8\n" \
	"g6akHVFOqkmsJ80uXzSgfQiNJoMQkc0sketKeroXrkGM+Zzl63Qy/mTs/ITGhFWz\n" \
	"CbiFRxw/ZwKBgQCef7OBE0P+kLHJf2nlDp/eiT7IjkY3XJNXBbvNTIQZCOBq6WQ/\n" \
	"1sLgpoUOC3u96OCnRfeHFRbxNEoxAlz5ls5beqEqRhICxVjQGhYkZPR7oqUFMIYr\n" \
	"8jtFoDQ80h6nal+cMhrAporbEJBzs/0ym3sllvNCEgM0qYtDW2AbpHuNyQKBgQCK\n" \
	"iC2/d5SRr39KrbeUsCOEZlPxw95zt+KsZ7ON/VdsSyq1vMKbFl7rWL+s+g7K5WO3\n" \
	"84h3siRCF22CiVgAk/X9xeEbaLdThsD8qsDKXzYTKVqfO90HUAOqP5GHTdlw55zK\n" \
	"O/mtP0r3HPwN2jP7Buz4kOAyUTRAnG37XDhZWFNmEQKBgQDDq9ofBTdlQps/Sd3W\n" \
	"rIHOs4F0AWSHIxW07WbWL7phq8UzY7tIaD1wIYHepzASbB0L1JB9Y6jfpPQuiexQ\n" \
	"1M1P2gThY6jvCU2fOq/YNXjuuAzimMn2WcQqX7GodOS2AUovPik9x5j/yVhst2hI\n" \
	"/5zVTHf9QRjYrUV+c/OEOp9Dkg==\n" \
	"-----END PRIVATE KEY-----\n"

/* 1,024 bits */
#define RSA_KEY_SHORT \
	"-----BEGIN PRIVATE KEY-----\n" \
	"MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBAM1ZVDvRNNbYvdtG\n" \
	"axzCoQ1Bw5mlyo1GAH1Tz+neGcVPQ37ABGbuA5cHa1siJR3RaXRW1hMklT4PE/yo\n" \
	"e5IUIEujBzpsmJPwfIwIw4+hooicvyWCcoWgV3mlGgKhkCqnpaQloW96cZN+mSbc\n" \
	"f01v30xyqwZrml65esGXJSLmT4ipAgMBAAECgYAp3hawg30UeOhstrTMDlqry0bI\n" \
	"IudjWmxrIRV5B1GVyw1l4FyFZ+3PczHOSO3sYG/xymqnSIQtPQHEN83KANR8eegZ\n" \
	"dUHhqkxuULWQsxnrdYUSOEM0mehgSIUlsejNruFrv8+o4qDaGZCsDMzJwZUnF4L9\n" \
	"zfFQBXqQ/OMTVhOkaQJBAOW+uHwJ9dFbK+aDYGM/s4lrLEqr4A2LPWptKqcWCdVk\n" \
	"U5MO7GPfrE1pyvb8NQx38GZLCbz0LaFhv8UflAsfzR8CQQDk0ORj1ELsFucuefDF\n" \
	"8SIayjA3Z19kfcuiht3lvNjUHI5a8kryhKGZbrSS2E2Q6Fyv3+eDVDFY4arjYN1Y\n" \
	"z6k3AkARUGVA29NNusw9LAt4j1Vtdsk4u2lAPA0d1ypOu0d0cIIn5AkGodWvY9iq\n" \
	"8mjhDqzsWJ1cQx6pOd+k8HNMv1HLAkBtL8UcYgiBMjik8+lR+0vj7sFtXrWldWW7\n" \
	"q5GtdB0fsnS3r1DWQzX9ylb+j5sL3+WCw1xtTbqyiBUMpYdaPtWnAkAoy2VMEyFM\n" \
	"nqjzaFsL6d6FL4tuo2S11DKv4wi3Xv41NDOf8U0Mh13y+BIJ5+ksxx7o462jzjme\n" \
	"mnDmEuHTzV8v\n" \
	"-----END PRIVATE KEY-----\n"

/* The caller frees it with EVP_PKEY_free. */
static inline EVP_PKEY *rsa_key_read(const char *pem)
{
	BIO *bytes = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bytes, NULL, NULL, NULL);
	BIO_free(bytes);
	assert_non_null(key);
	return key;
}

#endif
