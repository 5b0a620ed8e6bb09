using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>A Lua script made of parts, sent by its hash once the server knows it.</summary>
public sealed class RedisScript
{
    private readonly string _text;
    private readonly byte[] _hash;

    public RedisScript(params string[] parts)
    {
        _text = string.Join('\n', parts);
#pragma warning disable CA5350 // Redis names scripts by SHA-1; nothing is secured by it.
        _hash = SHA1.HashData(Encoding.UTF8.GetBytes(_text));
#pragma warning restore CA5350
    }

    public async Task<RedisResult> EvaluateAsync(IDatabaseAsync database, RedisKey[] keys, params RedisValue[] values)
    {
        try
        {
            return await database.ScriptEvaluateAsync(_hash, keys, values);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            // The first use since the server started.
            return await database.ScriptEvaluateAsync(_text, keys, values, CommandFlags.NoScriptCache);
        }
    }
}
