using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>The upper half of a binary32 as a tensor element; arithmetic goes by way of <see cref="float"/>.</summary>
public readonly struct BFloat16 : IEquatable<BFloat16>
{
    /// <summary>The bits.</summary>
    public readonly ushort value;

    /// <param name="v">The bits.</param>
    public BFloat16(ushort v) => value = v;

    /// <summary>Rounds to the nearest, ties to even.</summary>
    public static explicit operator BFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? new((ushort)((bits >> 16) | 0x40)) // Stays NaN even if its payload was in the lower half.
            : new((ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16));
    }

    /// <summary>Exact.</summary>
    public static explicit operator float(BFloat16 value) => value.ToFloat();

    /// <summary>As numbers: the zeros are equal, NaN equals nothing.</summary>
    public static bool operator ==(BFloat16 left, BFloat16 right) => left.ToFloat() == right.ToFloat();

    /// <inheritdoc cref="op_Equality"/>
    public static bool operator !=(BFloat16 left, BFloat16 right) => !(left == right);

    /// <summary>Exact.</summary>
    public float ToFloat() => BitConverter.UInt32BitsToSingle((uint)value << 16);

    /// <summary>As numbers, but NaN equals itself.</summary>
    public bool Equals(BFloat16 other) => ToFloat().Equals(other.ToFloat());

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is BFloat16 other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => ToFloat().GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => ToFloat().ToString();
}
