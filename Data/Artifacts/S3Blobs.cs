using System.Buffers;
using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Data.Artifacts;

/// <summary>
/// Blobs as objects of S3-compatible storage, written in parts: of an upload only one part is in memory. What is small
/// enough is written at once.
/// </summary>
public sealed class S3Blobs : IBlobStore, IDisposable
{
    private readonly ArtifactOptions _options;
    private readonly AmazonS3Client _client;

    public S3Blobs(IOptions<ArtifactOptions> options)
    {
        _options = options.Value;
        var config = new AmazonS3Config
        {
            // Compatible services know neither buckets as host names nor the newer checksums in trailers, and some store
            // the signatures between chunks as if they were content: hence no chunks below.
            ForcePathStyle = _options.Endpoint.Length > 0,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (_options.Endpoint.Length > 0)
        {
            config.ServiceURL = _options.Endpoint;
            config.AuthenticationRegion = _options.Region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(_options.Region);
        }

        _client = _options.AccessKey.Length > 0
            ? new AmazonS3Client(new BasicAWSCredentials(_options.AccessKey, _options.SecretKey), config)
            : new AmazonS3Client(config);
    }

    public Task WriteAsync(Guid blob, Stream content, CancellationToken cancellationToken) => OnS3Async(async () =>
    {
        var buffer = ArrayPool<byte>.Shared.Rent(_options.PartBytes);
        try
        {
            var length = await ReadPartAsync(content, buffer, cancellationToken);
            if (length < _options.PartBytes)
            {
                await _client.PutObjectAsync(
                    new PutObjectRequest
                    {
                        BucketName = _options.Bucket,
                        Key = KeyOf(blob),
                        InputStream = new MemoryStream(buffer, 0, length),
                        UseChunkEncoding = false,
                    },
                    cancellationToken);
            }
            else
            {
                await WritePartsAsync(KeyOf(blob), content, buffer, length, cancellationToken);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return true;
    });

    public Task<Stream> OpenReadAsync(Guid blob, CancellationToken cancellationToken) => OnS3Async<Stream>(async () =>
    {
        try
        {
            var response = await _client.GetObjectAsync(_options.Bucket, KeyOf(blob), cancellationToken);
            return response.ResponseStream;
        }
        catch (AmazonS3Exception exception) when (exception.StatusCode == HttpStatusCode.NotFound)
        {
            throw new ArtifactMissingException(KeyOf(blob));
        }
    });

    public Task DeleteAsync(Guid blob, CancellationToken cancellationToken) => OnS3Async(async () =>
    {
        await _client.DeleteObjectAsync(_options.Bucket, KeyOf(blob), cancellationToken);
        return true;
    });

    public void Dispose() => _client.Dispose();

    private async Task WritePartsAsync(string key, Stream content, byte[] buffer, int length, CancellationToken cancellationToken)
    {
        var upload = await _client.InitiateMultipartUploadAsync(_options.Bucket, key, cancellationToken);
        try
        {
            var parts = new List<PartETag>();
            while (length > 0)
            {
                var part = await _client.UploadPartAsync(
                    new UploadPartRequest
                    {
                        BucketName = _options.Bucket,
                        Key = key,
                        UploadId = upload.UploadId,
                        PartNumber = parts.Count + 1,
                        PartSize = length,
                        InputStream = new MemoryStream(buffer, 0, length),
                        UseChunkEncoding = false,
                    },
                    cancellationToken);
                parts.Add(new PartETag(parts.Count + 1, part.ETag));
                length = await ReadPartAsync(content, buffer, cancellationToken);
            }

            await _client.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest
                {
                    BucketName = _options.Bucket,
                    Key = key,
                    UploadId = upload.UploadId,
                    PartETags = parts
                },
                cancellationToken);
        }
        catch
        {
            await AbortAsync(key, upload.UploadId);
            throw;
        }
    }

    // The caller may have left; what was written would be kept, and paid for, unseen. Where this fails too, a lifecycle
    // rule of the bucket has to remove it (docs/operations.md); the first failure is the one to tell.
    private async Task AbortAsync(string key, string uploadId)
    {
        try
        {
            await _client.AbortMultipartUploadAsync(_options.Bucket, key, uploadId, CancellationToken.None);
        }
        catch (Exception exception) when (exception is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            return;
        }
    }

    private ValueTask<int> ReadPartAsync(Stream content, byte[] buffer, CancellationToken cancellationToken) =>
        content.ReadAtLeastAsync(buffer.AsMemory(0, _options.PartBytes), _options.PartBytes, throwOnEndOfStream: false, cancellationToken);

    private string KeyOf(Guid blob) => $"{_options.Prefix}{blob:N}";

    private static async Task<T> OnS3Async<T>(Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (Exception exception) when (exception is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            throw new ArtifactStoreUnavailableException(exception);
        }
    }
}
