using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Api.Auth;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Idempotency;

/// <summary>
/// Encrypts answers before they are kept (AES-256-GCM). They may hold a new key's secret or a prediction, neither of which the database
/// is to know; what opens them again is the platform's pepper together with the caller's idempotency key, which is not stored either.
/// </summary>
internal sealed class AnswerSeal(IOptions<ApiKeyOptions> options)
{
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    public byte[] Seal(string key, byte[] scope, Dictionary<string, string?[]> headers, ReadOnlySpan<byte> body)
    {
        var head = JsonSerializer.SerializeToUtf8Bytes(headers, IdempotencyJson.Default.DictionaryStringStringArray);
        var plain = new byte[sizeof(int) + head.Length + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(plain, head.Length);
        head.CopyTo(plain.AsSpan(sizeof(int)));
        body.CopyTo(plain.AsSpan(sizeof(int) + head.Length));

        var kept = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(kept.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(KeyOf(key, scope), TagBytes);
        aes.Encrypt(kept.AsSpan(0, NonceBytes), plain, kept.AsSpan(NonceBytes + TagBytes), kept.AsSpan(NonceBytes, TagBytes), scope);
        return kept;
    }

    /// <exception cref="CryptographicException">It was sealed under another pepper, or is damaged.</exception>
    public (Dictionary<string, string?[]> Headers, byte[] Body) Open(string key, byte[] scope, byte[] kept)
    {
        var plain = new byte[kept.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(KeyOf(key, scope), TagBytes);
        aes.Decrypt(kept.AsSpan(0, NonceBytes), kept.AsSpan(NonceBytes + TagBytes), kept.AsSpan(NonceBytes, TagBytes), plain, scope);
        var length = BinaryPrimitives.ReadInt32LittleEndian(plain);
        return (JsonSerializer.Deserialize(plain.AsSpan(sizeof(int), length), IdempotencyJson.Default.DictionaryStringStringArray)!,
            plain[(sizeof(int) + length)..]);
    }

    private byte[] KeyOf(string key, byte[] scope) =>
        HKDF.DeriveKey(
            HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(options.Value.ApiKeyPepper), KeyBytes, scope, Encoding.UTF8.GetBytes(key));
}

[JsonSerializable(typeof(Dictionary<string, string?[]>))]
internal sealed partial class IdempotencyJson : JsonSerializerContext;
