using System.Globalization;
using InferenceTemplate.Api;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class ApiTimeTests
{
    [Theory]
    [InlineData("2026-11-01", "2026-11-01T00:00:00Z")]
    [InlineData("2026-11-01T12:30", "2026-11-01T12:30:00Z")]
    [InlineData("2026-11-01T12:30Z", "2026-11-01T12:30:00Z")]
    [InlineData("2026-11-01T12:30:05", "2026-11-01T12:30:05Z")]
    [InlineData("2026-11-01 12:30:05Z", "2026-11-01T12:30:05Z")]
    [InlineData("2026-11-01T12:30:05.123Z", "2026-11-01T12:30:05.123Z")]
    [InlineData("2026-11-01T12:30:05.1234567+00:00", "2026-11-01T12:30:05.1234567Z")]
    [InlineData("2026-11-01T12:30:05.123456789Z", "2026-11-01T12:30:05.1234567Z")]
    [InlineData("2026-11-01 12:30:05.999999999999+02:00", "2026-11-01T10:30:05.9999999Z")]
    [InlineData("2026-11-01T12:30:05+02:00", "2026-11-01T10:30:05Z")]
    [InlineData("2026-10-25T02:30:00-05:00", "2026-10-25T07:30:00Z")]
    public void Time_of_iso_8601_is_read_in_utc(string text, string expected)
    {
        Assert.True(ApiTime.TryRead(text, out var moment));
        Assert.Equal(DateTimeOffset.Parse(expected, CultureInfo.InvariantCulture), moment);
        Assert.Equal(TimeSpan.Zero, moment.Offset);
    }

    [Theory]
    [InlineData("11/12/2026")]
    [InlineData("12:00")]
    [InlineData("2026-11")]
    [InlineData("1 November 2026")]
    [InlineData("2026-11-01T12:00:00 02:00")] // a plus sign that was not escaped
    [InlineData("2026-11-01T12:00:00.123456789.5Z")]
    [InlineData("1.123456789")]
    [InlineData("2026-02-30")]
    [InlineData("1793577600")]
    [InlineData("")]
    public void Anything_else_is_none(string text) => Assert.False(ApiTime.TryRead(text, out _));
}
