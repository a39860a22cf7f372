# Amazon's SDK for Ruby: conditions, a stream in parts and overrides. The arguments: the endpoint, and a file of certificates or none.
require "aws-sdk-s3"

endpoint, bundle = ARGV
options = { endpoint: endpoint, region: "us-east-1", force_path_style: true, retry_limit: 0 }
options[:ssl_ca_bundle] = bundle if bundle
client = Aws::S3::Client.new(**options)
client.create_bucket(bucket: "ruby")

client.put_object(bucket: "ruby", key: "a b+c", body: "hello", cache_control: "max-age=60", metadata: { "who" => "me" })
got = client.get_object(bucket: "ruby", key: "a b+c")
abort "body" unless got.body.read == "hello" && got.metadata == { "who" => "me" }

# A length on a 304 would be a network error here, since the SDK waits for so many bytes.
{ if_none_match: got.etag, if_modified_since: got.last_modified }.each do |name, value|
  %i[get_object head_object].each do |call|
    client.public_send(call, bucket: "ruby", key: "a b+c", name => value)
    abort "#{call} #{name} was not answered with 304"
  rescue Aws::S3::Errors::NotModified, Aws::S3::Errors::Http304Error
    nil
  end
end
begin
  client.get_object(bucket: "ruby", key: "a b+c", if_match: '"x"')
  abort "if_match"
rescue Aws::S3::Errors::PreconditionFailed
  nil
end

disposition = "attachment; filename=\"\u00e9\u00fc.txt\""
url = Aws::S3::Presigner.new(client: client).presigned_url(:get_object, bucket: "ruby", key: "a b+c", response_content_disposition: disposition)
http = Net::HTTP.new(URI(url).host, URI(url).port)
http.use_ssl = !bundle.nil?
http.ca_file = bundle
answer = http.get(URI(url).request_uri)
abort "disposition #{answer.code}" unless answer.code == "200" && answer["content-disposition"].b == disposition.encode("ISO-8859-1").b

client.copy_object(bucket: "ruby", key: "copy", copy_source: "ruby/a+b%2Bc")
abort "copy" unless client.get_object(bucket: "ruby", key: "copy").body.read == "hello"
big = "x" * (6 << 20)
Aws::S3::Object.new("ruby", "big", client: client).upload_stream(part_size: 5 << 20) { |stream| stream << big }
abort "stream" unless client.head_object(bucket: "ruby", key: "big").content_length == big.size
client.delete_objects(bucket: "ruby", delete: { objects: ["a b+c", "copy", "big"].map { |key| { key: key } } })
client.delete_bucket(bucket: "ruby")
puts "done"
