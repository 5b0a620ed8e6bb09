using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>A Lua script made of one or several <c>.lua</c> files, sent by its hash once the server knows it.</summary>
public sealed class RedisScript
{
    private readonly string _text;
    private readonly byte[] _hash;

    /// <param name="beside">A type in whose folder the files are.</param>
    /// <param name="parts">Names of the files, in the order in which they run; what one declares, those behind it use.</param>
    public RedisScript(Type beside, params string[] parts)
    {
        _text = string.Concat(parts.Select(part => Read(beside, $"{part}.lua")));
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

    private static string Read(Type beside, string file)
    {
        using var stream = beside.Assembly.GetManifestResourceStream(beside, file)
            ?? throw new ArgumentException($"{beside.Assembly.GetName().Name} has no {file} in the folder of {beside.Name}.", nameof(file));
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
