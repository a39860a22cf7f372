#!/usr/bin/env python3
"""Concurrent requests: writers of one key, lists during writes, creation of one bucket, deletes during copies."""
import threading

from fixture import Case, ClientError, keys_of, main


def at_once(*jobs):
    """Run them all concurrently; an exception of one of them is raised."""
    errors = []

    def run(job):
        try:
            job()
        except BaseException as error:   # raised below, on the thread of the test
            errors.append(error)
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Races(Case):
    def setUp(self):
        self.bucket = self.new_bucket()

    def test_writers_of_one_key_then_one_whole_object_wins(self):
        bodies = [bytes([n]) * 300000 for n in range(6)]
        at_once(*(lambda b=b: self.server.client("alice").put_object(Bucket=self.bucket, Key="k", Body=b) for b in bodies))
        answer = self.alice.get_object(Bucket=self.bucket, Key="k")
        body = answer["Body"].read()
        self.assertIn(body, bodies)
        self.assertEqual(len(self.alice.list_objects_v2(Bucket=self.bucket)["Contents"]), 1)

    def test_if_none_match_of_many_then_one_wins(self):
        won = []

        def write(n):
            try:
                self.server.client("alice").put_object(Bucket=self.bucket, Key="k", Body=str(n).encode(), IfNoneMatch="*")
                won.append(n)
            except ClientError as error:
                self.assertIn(error.response["Error"]["Code"], ("PreconditionFailed", "ConditionalRequestConflict"))
        at_once(*(lambda n=n: write(n) for n in range(8)))
        self.assertEqual(len(won), 1)
        self.assertEqual(self.alice.get_object(Bucket=self.bucket, Key="k")["Body"].read(), str(won[0]).encode())

    def test_lists_during_writes_then_old_keys_once_each_and_in_order(self):
        old = [f"old/{n:04}" for n in range(0, 600, 3)]
        self.put(self.bucket, *old, body=b"")
        done = threading.Event()

        def write():
            client = self.server.client("alice")
            for n in range(600):
                if n % 3:
                    client.put_object(Bucket=self.bucket, Key=f"old/{n:04}", Body=b"")
            done.set()

        def read():
            client = self.server.client("alice")
            while True:
                last = done.is_set()
                got, more = [], {}
                while True:
                    page = client.list_objects_v2(Bucket=self.bucket, MaxKeys=37, **more)
                    got += keys_of(page)
                    if not page["IsTruncated"]:
                        break
                    more = {"ContinuationToken": page["NextContinuationToken"]}
                self.assertEqual(got, sorted(set(got)))
                self.assertLessEqual(set(old), set(got))
                if last:
                    self.assertEqual(len(got), 600)
                    return
        at_once(write, read, read)

    def test_concurrent_creates_of_one_bucket_then_one_owns_it(self):
        name = "race-for-a-bucket"
        owners = []

        def make(who):
            try:
                self.server.client(who).create_bucket(Bucket=name)
                owners.append(who)
            except ClientError as error:
                self.assertEqual(error.response["Error"]["Code"], "BucketAlreadyExists")
        at_once(*(lambda w=w: make(w) for w in ("alice", "bob", "alice", "bob")))
        self.assertEqual(len(set(owners)), 1)
        self.server.client(owners[0]).delete_bucket(Bucket=name)

    def test_copies_during_deletes_then_whole_or_no_such_key(self):
        body = bytes(range(256)) * 8192
        client = self.server.client("alice")

        def copy():
            mine = self.server.client("alice")
            for n in range(10):
                try:
                    mine.copy_object(Bucket=self.bucket, Key=f"copy-{n}", CopySource=f"{self.bucket}/src")
                    self.assertEqual(mine.get_object(Bucket=self.bucket, Key=f"copy-{n}")["Body"].read(), body)
                except ClientError as error:
                    self.assertEqual(error.response["Error"]["Code"], "NoSuchKey")

        def blink():
            for _ in range(10):
                client.put_object(Bucket=self.bucket, Key="src", Body=body)
                client.delete_object(Bucket=self.bucket, Key="src")
        at_once(copy, copy, blink)

    def test_delete_bucket_during_puts_then_not_empty_or_no_such_bucket(self):
        for n in range(5):
            name = f"drop-beside-puts-{n}"
            self.alice.create_bucket(Bucket=name)
            told = {}

            def put():
                try:
                    self.server.client("alice").put_object(Bucket=name, Key="k", Body=b"x")
                    told["put"] = "ok"
                except ClientError as error:
                    told["put"] = error.response["Error"]["Code"]

            def drop():
                try:
                    self.server.client("alice").delete_bucket(Bucket=name)
                    told["drop"] = "ok"
                except ClientError as error:
                    told["drop"] = error.response["Error"]["Code"]
            at_once(put, drop)
            self.assertIn((told["put"], told["drop"]), (("ok", "BucketNotEmpty"), ("NoSuchBucket", "ok")))
            if told["drop"] != "ok":
                self.drop_bucket(self.alice, name)


if __name__ == "__main__":
    main()
