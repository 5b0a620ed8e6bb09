namespace Microsoft.ML.OnnxRuntime;

/// <summary>IEEE 754 binary16 as a tensor element; arithmetic goes by way of <see cref="float"/>.</summary>
public readonly struct Float16(ushort v) : IComparable, IComparable<Float16>, IEquatable<Float16>
{
    /// <summary>The bits.</summary>
    public readonly ushort value = v;

    public static Float16 Zero => new(0x0000);
    public static Float16 NegativeZero => new(0x8000);
    public static Float16 One => new(0x3C00);
    public static Float16 Epsilon => new(0x0001);
    public static Float16 MaxValue => new(0x7BFF);
    public static Float16 MinValue => new(0xFBFF);
    public static Float16 PositiveInfinity => new(0x7C00);
    public static Float16 NegativeInfinity => new(0xFC00);
    public static Float16 NaN => new(0xFE00);

    /// <summary>Rounds to the nearest, ties to even.</summary>
    public static explicit operator Float16(float value) => new(BitConverter.HalfToUInt16Bits((Half)value));

    public static explicit operator float(Float16 value) => value.ToFloat();

    /// <summary>As for <see cref="float"/>: NaN equals nothing, and both zeros are equal.</summary>
    public static bool operator ==(Float16 left, Float16 right) => left.ToFloat() == right.ToFloat();

    public static bool operator !=(Float16 left, Float16 right) => !(left == right);

    public static bool operator <(Float16 left, Float16 right) => left.ToFloat() < right.ToFloat();

    public static bool operator <=(Float16 left, Float16 right) => left.ToFloat() <= right.ToFloat();

    public static bool operator >(Float16 left, Float16 right) => left.ToFloat() > right.ToFloat();

    public static bool operator >=(Float16 left, Float16 right) => left.ToFloat() >= right.ToFloat();

    public static bool IsNaN(Float16 value) => float.IsNaN(value.ToFloat());

    public static bool IsFinite(Float16 value) => float.IsFinite(value.ToFloat());

    public static bool IsInfinity(Float16 value) => float.IsInfinity(value.ToFloat());

    public static bool IsPositiveInfinity(Float16 value) => float.IsPositiveInfinity(value.ToFloat());

    public static bool IsNegativeInfinity(Float16 value) => float.IsNegativeInfinity(value.ToFloat());

    public static bool IsNegative(Float16 value) => (value.value & 0x8000) != 0;

    /// <summary>The same with the other sign.</summary>
    public static Float16 Negate(Float16 value) => IsNaN(value) ? value : new((ushort)(value.value ^ 0x8000));

    public float ToFloat() => (float)BitConverter.UInt16BitsToHalf(value);

    public int CompareTo(Float16 other) => ToFloat().CompareTo(other.ToFloat());

    public int CompareTo(object? obj) => obj switch
    {
        null => 1,
        Float16 other => CompareTo(other),
        _ => throw new ArgumentException("Object must be of type Float16", nameof(obj)),
    };

    /// <summary>As for <see cref="float"/>: NaN equals NaN, so that it can be found.</summary>
    public bool Equals(Float16 other) => ToFloat().Equals(other.ToFloat());

    public override bool Equals(object? obj) => obj is Float16 other && Equals(other);

    public override int GetHashCode() => ToFloat().GetHashCode();

    public override string ToString() => ToFloat().ToString();
}
