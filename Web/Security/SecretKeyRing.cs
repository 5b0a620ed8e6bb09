using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace InferenceTemplate.Web.Security;

/// <summary>
/// Keys that are derived from secrets, so that replicas have the same ones without a place to keep them. Several secrets stand with commas
/// between them: the first protects, the others still open what they protected, until a session's end after a change.
/// </summary>
internal sealed class SecretKeyRing : IXmlRepository
{
    private const int MinLength = 32;

    // Of the algorithms that ASP.NET Core chooses by default.
    private const int MasterKeyBytes = 64;

    private static readonly DateTimeOffset s_first = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly IReadOnlyList<XElement> _keys;

    /// <exception cref="InvalidOperationException">A secret is short.</exception>
    public SecretKeyRing(string secrets)
    {
        var each = secrets.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (each.Length == 0 || Array.Exists(each, secret => secret.Length < MinLength))
        {
            throw new InvalidOperationException(
                $"DataProtection:Secret must be a secret of at least {MinLength} characters, or several with commas between them.");
        }

        _keys = [.. each.Select(Key)];
    }

    public IReadOnlyCollection<XElement> GetAllElements() => _keys;

    public void StoreElement(XElement element, string friendlyName) =>
        throw new NotSupportedException("Keys are derived from DataProtection:Secret, and none is made.");

    // The key that protects is the one that became active last. What ends them is a change of the secret.
    private static XElement Key(string secret, int index)
    {
        var descriptor = new AuthenticatedEncryptorDescriptor(
            new AuthenticatedEncryptorConfiguration(), new Secret(Derive(secret, "master key", MasterKeyBytes))).ExportToXml();
        var active = s_first.AddDays(-index);
        return new XElement(
            "key",
            new XAttribute("id", new Guid(Derive(secret, "id", 16))),
            new XAttribute("version", 1),
            new XElement("creationDate", Text(active)),
            new XElement("activationDate", Text(active)),
            new XElement("expirationDate", Text(s_first.AddYears(1000))),
            new XElement("descriptor", new XAttribute("deserializerType", descriptor.DeserializerType.AssemblyQualifiedName!),
                descriptor.SerializedDescriptorElement));
    }

    private static byte[] Derive(string secret, string purpose, int length) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), length,
            info: Encoding.UTF8.GetBytes($"InferenceTemplate.Web {purpose}"));

    private static string Text(DateTimeOffset time) => time.ToString("o", CultureInfo.InvariantCulture);
}
