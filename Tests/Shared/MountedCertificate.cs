using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace InferenceTemplate.Tests.Shared;

/// <summary>
/// A certificate for a service on this machine, in a folder that Kubernetes would mount a Secret at: files are links, and one link that
/// all lead through is exchanged when the Secret changes.
/// </summary>
internal sealed class MountedCertificate : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("certificate-");
    private readonly CertificateAuthority _authority = new();
    private readonly int _port = Ports.Free();

    public MountedCertificate()
    {
        foreach (var file in (string[])["tls.crt", "tls.key"])
        {
            File.CreateSymbolicLink(PathOf(file), Path.Combine("..data", file));
        }
    }

    public string Url => $"https://127.0.0.1:{_port}";

    /// <summary>What Kestrel takes, and has it look at the files themselves: no event tells of a link that is exchanged.</summary>
    public (string Key, string Value)[] Settings =>
    [
        ("Kestrel__Endpoints__Https__Url", Url),
        ("Kestrel__Endpoints__Https__Certificate__Path", PathOf("tls.crt")),
        ("Kestrel__Endpoints__Https__Certificate__KeyPath", PathOf("tls.key")),
        ("DOTNET_USE_POLLING_FILE_WATCHER", "true"),
    ];

    /// <summary>Writes a new certificate in the place of the last.</summary>
    public async Task ReplaceAsync()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs the mv of Linux to exchange a link to a folder.");
        var content = _folder.CreateSubdirectory($"..{Guid.NewGuid():N}");
        await _authority.IssueAsync(content.FullName, "localhost", IPAddress.Loopback);
        var link = PathOf("..data_tmp");
        File.CreateSymbolicLink(link, content.Name);
        using var move = Process.Start("mv", ["-T", link, PathOf("..data")]);
        await move.WaitForExitAsync();
        Assert.Equal(0, move.ExitCode);
    }

    /// <summary>
    /// The serial number of what a new connection that verifies its other end is shown; null while it comes to none, as while nothing
    /// listens, or while Kestrel listens anew in the middle of a handshake.
    /// </summary>
    public async Task<string?> ShownAsync(CancellationToken cancellation)
    {
        string? serial = null;
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new()
            {
                CertificateChainPolicy = new()
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { _authority.Certificate },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
                RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                {
                    serial = certificate?.GetSerialNumberString();
                    return errors == SslPolicyErrors.None;
                },
            },
        };
        using var client = new HttpClient(handler);
        try
        {
            using var alive = await client.GetAsync($"{Url}/alive", cancellation);
            Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
            return serial;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        _authority.Dispose();
        _folder.Delete(recursive: true);
    }

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);
}
