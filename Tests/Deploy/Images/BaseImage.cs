using System.Formats.Tar;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace InferenceTemplate.Tests.Deploy.Images;

/// <summary>Puts an image with one small layer into a registry, to build upon where no real base can be pulled.</summary>
internal static class BaseImage
{
    private const string Manifest = "application/vnd.docker.distribution.manifest.v2+json";

    public static async Task PushAsync(HttpClient registry, string repository, string tag, CancellationToken cancellationToken)
    {
        var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, leaveOpen: true))
        {
            var entry = new PaxTarEntry(TarEntryType.RegularFile, "etc/base")
            {
                DataStream = new MemoryStream(Encoding.UTF8.GetBytes("base\n")),
            };
            await writer.WriteEntryAsync(entry, cancellationToken);
        }

        var zipped = new MemoryStream();
        await using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(tar.ToArray(), cancellationToken);
        }

        var layer = zipped.ToArray();
        var config = Encoding.UTF8.GetBytes($$"""
            {"architecture":"amd64","os":"linux",
             "config":{"Env":["PATH=/usr/bin","APP_UID=1654","ASPNETCORE_HTTP_PORTS=8080","DOTNET_VERSION=10.0.0"]},
             "rootfs":{"type":"layers","diff_ids":["{{Digest(tar.ToArray())}}"]},
             "history":[{"created":"2026-01-01T00:00:00Z","created_by":"test"}]}
            """);
        await PushBlobAsync(registry, repository, layer, cancellationToken);
        await PushBlobAsync(registry, repository, config, cancellationToken);
        using var manifest = new ByteArrayContent(Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"{{Manifest}}",
             "config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":{{config.Length}},"digest":"{{Digest(config)}}"},
             "layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":{{layer.Length}},"digest":"{{Digest(layer)}}"}]}
            """));
        manifest.Headers.ContentType = MediaTypeHeaderValue.Parse(Manifest);
        (await registry.PutAsync(
            new Uri($"/v2/{repository}/manifests/{tag}", UriKind.Relative), manifest, cancellationToken)).EnsureSuccessStatusCode();
    }

    private static async Task PushBlobAsync(HttpClient registry, string repository, byte[] content, CancellationToken cancellationToken)
    {
        using var begun = (await registry.PostAsync(
            new Uri($"/v2/{repository}/blobs/uploads/", UriKind.Relative), null, cancellationToken)).EnsureSuccessStatusCode();
        var location = begun.Headers.Location!.ToString();
        var target =
            $"{location}{(location.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={Uri.EscapeDataString(Digest(content))}";
        using var blob = new ByteArrayContent(content);
        blob.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        (await registry.PutAsync(new Uri(target, UriKind.RelativeOrAbsolute), blob, cancellationToken)).EnsureSuccessStatusCode();
    }

    private static string Digest(byte[] content) => $"sha256:{Convert.ToHexStringLower(SHA256.HashData(content))}";
}
