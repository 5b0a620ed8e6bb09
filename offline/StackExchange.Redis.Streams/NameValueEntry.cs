namespace StackExchange.Redis;

/// <summary>A field of a stream entry and its value.</summary>
public readonly struct NameValueEntry(RedisValue name, RedisValue value) : IEquatable<NameValueEntry>
{
    public RedisValue Name { get; } = name;

    public RedisValue Value { get; } = value;

    public static bool operator ==(NameValueEntry x, NameValueEntry y) => x.Equals(y);

    public static bool operator !=(NameValueEntry x, NameValueEntry y) => !x.Equals(y);

    public bool Equals(NameValueEntry other) => Name == other.Name && Value == other.Value;

    public override bool Equals(object? obj) => obj is NameValueEntry other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Name, Value);

    public override string ToString() => $"{Name}: {Value}";
}
