using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace InferenceTemplate.Tests.Shared;

/// <summary>An authority of a test's own, that no machine trusts unless it is told to.</summary>
internal sealed class CertificateAuthority : IDisposable
{
    private readonly X509Certificate2 _certificate;
    private readonly DateTimeOffset _from = TimeProvider.System.GetUtcNow().AddHours(-1);
    private readonly DateTimeOffset _until = TimeProvider.System.GetUtcNow().AddHours(12);

    public CertificateAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=Authority {Guid.NewGuid():N} of a test", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        _certificate = request.CreateSelfSigned(_from, _until);
    }

    public X509Certificate2 Certificate => _certificate;

    /// <summary>Writes the authority's own certificate.</summary>
    public async Task<string> WriteAsync(string path)
    {
        await File.WriteAllTextAsync(path, _certificate.ExportCertificatePem());
        return path;
    }

    /// <summary>Writes <c>tls.crt</c> and <c>tls.key</c>, as a Secret of Kubernetes has them, for a server of these names.</summary>
    public async Task IssueAsync(string folder, string host, IPAddress? address = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        if (address is not null)
        {
            names.AddIpAddress(address);
        }

        request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_certificate, _from, _until, RandomNumberGenerator.GetBytes(16));
        await File.WriteAllTextAsync(Path.Combine(folder, "tls.crt"), issued.ExportCertificatePem());

        // Postgres takes no key that others may read.
        var file = Path.Combine(folder, "tls.key");
        await File.WriteAllTextAsync(file, key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }

    public void Dispose() => _certificate.Dispose();
}
