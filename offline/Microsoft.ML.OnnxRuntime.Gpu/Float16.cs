using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>IEEE 754 binary16 as a tensor element; arithmetic goes by way of <see cref="float"/>.</summary>
public readonly struct Float16 : IEquatable<Float16>
{
    /// <summary>The bits.</summary>
    public readonly ushort value;

    /// <param name="v">The bits.</param>
    public Float16(ushort v) => value = v;

    /// <summary>Rounds to the nearest, ties to even.</summary>
    public static explicit operator Float16(float value) => new(BitConverter.HalfToUInt16Bits((Half)value));

    /// <summary>Exact.</summary>
    public static explicit operator float(Float16 value) => value.ToFloat();

    /// <summary>As numbers: the zeros are equal, NaN equals nothing.</summary>
    public static bool operator ==(Float16 left, Float16 right) => left.ToFloat() == right.ToFloat();

    /// <inheritdoc cref="op_Equality"/>
    public static bool operator !=(Float16 left, Float16 right) => !(left == right);

    /// <summary>Exact.</summary>
    public float ToFloat() => (float)BitConverter.UInt16BitsToHalf(value);

    /// <summary>As numbers, but NaN equals itself.</summary>
    public bool Equals(Float16 other) => ToFloat().Equals(other.ToFloat());

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Float16 other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => ToFloat().GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => ToFloat().ToString();
}
