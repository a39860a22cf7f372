"""What boto3 does every day, against the endpoint in argv[1]; keys and region come from the environment."""
import io, sys, os, hashlib, urllib.request, ssl
import boto3, requests
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
bundle = os.environ.get('AWS_CA_BUNDLE')
s3 = boto3.client('s3', endpoint_url=sys.argv[1], verify=bundle, config=Config(signature_version='s3v4', s3={'addressing_style': 'path'}, retries={'max_attempts': 1}))
B = 'bthree'
s3.create_bucket(Bucket=B)
s3.create_bucket(Bucket=B)   # its own bucket again
assert B in [b['Name'] for b in s3.list_buckets()['Buckets']]
s3.put_object(Bucket=B, Key='bytes', Body=b'hello world\n', ContentType='text/plain', Metadata={'a': 'b'}, CacheControl='max-age=1', ContentEncoding='identity', ChecksumAlgorithm='CRC32')
s3.put_object(Bucket=B, Key='empty')
got = s3.get_object(Bucket=B, Key='bytes', ChecksumMode='ENABLED')
assert got['Body'].read() == b'hello world\n' and got['Metadata'] == {'a': 'b'} and got['CacheControl'] == 'max-age=1'
assert got['ChecksumCRC32'] == 'rwg7LQ=='
assert s3.get_object(Bucket=B, Key='bytes', Range='bytes=6-10')['Body'].read() == b'world'
assert s3.head_object(Bucket=B, Key='empty')['ContentLength'] == 0
for algorithm in ('CRC32', 'SHA1', 'SHA256'):
    put = s3.put_object(Bucket=B, Key='sum/' + algorithm, Body=b'sum me up', ChecksumAlgorithm=algorithm)
    assert put['Checksum' + algorithm] == s3.head_object(Bucket=B, Key='sum/' + algorithm, ChecksumMode='ENABLED')['Checksum' + algorithm]
s3.copy_object(Bucket=B, Key='copy', CopySource={'Bucket': B, 'Key': 'bytes'}, MetadataDirective='REPLACE', Metadata={'c': 'd'}, ContentType='text/csv')
assert s3.head_object(Bucket=B, Key='copy')['Metadata'] == {'c': 'd'}
big = os.urandom(20 << 20)
config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
s3.upload_fileobj(io.BytesIO(big), B, 'big', Config=config)
back = io.BytesIO()
s3.download_fileobj(B, 'big', back, Config=config)
assert back.getvalue() == big
s3.copy({'Bucket': B, 'Key': 'big'}, B, 'big2', Config=config)   # by UploadPartCopy
assert s3.get_object(Bucket=B, Key='big2')['Body'].read() == big
keys = sorted(o['Key'] for page in s3.get_paginator('list_objects_v2').paginate(Bucket=B, PaginationConfig={'PageSize': 2}) for o in page['Contents'])
assert keys == ['big', 'big2', 'bytes', 'copy', 'empty', 'sum/CRC32', 'sum/SHA1', 'sum/SHA256'], keys
assert len([v for v in s3.list_object_versions(Bucket=B)['Versions'] if v['VersionId'] == 'null']) == 8
form = s3.generate_presigned_post(B, 'form/${filename}', Fields={'success_action_status': '201'}, Conditions=[{'success_action_status': '201'}, ['content-length-range', 1, 100]])
answer = requests.post(form['url'], data=form['fields'], files={'file': ('n.txt', b'by form')}, verify=bundle)
assert answer.status_code == 201 and '<Key>form/n.txt</Key>' in answer.text, answer.text
url = s3.generate_presigned_url('put_object', {'Bucket': B, 'Key': 'presigned'})
assert requests.put(url, data=b'by url', verify=bundle).status_code == 200
assert s3.get_object(Bucket=B, Key='presigned')['Body'].read() == b'by url'
try:
    s3.delete_bucket(Bucket=B)
    raise AssertionError('a full bucket went')
except ClientError as e:
    assert e.response['Error']['Code'] == 'BucketNotEmpty'
everything = [{'Key': o['Key']} for o in s3.list_objects(Bucket=B)['Contents']]
assert len(s3.delete_objects(Bucket=B, Delete={'Objects': everything})['Deleted']) == 10
s3.delete_bucket(Bucket=B)
print('all of it worked')
