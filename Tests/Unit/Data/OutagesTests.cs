using System.Net.Sockets;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace InferenceTemplate.Tests.Unit;

public sealed class OutagesTests
{
    public static TheoryData<Exception> Away =>
    [
        new SocketException(),
        new NpgsqlException("broken", new IOException()),
        Postgres("57P03"),
        Postgres("25006"),
        Postgres("08P01", "FATAL"),
        new InvalidOperationException("EF", new NpgsqlException("broken", new IOException())),
        new DbUpdateException("EF", Postgres("25006")),
        new InvalidOperationException("EF", new DbUpdateException("EF", new NpgsqlException("broken", new IOException()))),
    ];

    public static TheoryData<Exception> There =>
    [
        Postgres("23505"),
        Postgres("28P01", "FATAL"),
        Postgres("3D000", "FATAL"),
        Postgres("08P01"),
        new DbUpdateException("EF", Postgres("23505")),
        new InvalidOperationException("a mistake"),
        new InvalidDataException("of the caller", new SocketException()),
        new NpgsqlException("wrong"),
    ];

    [Theory]
    [MemberData(nameof(Away))]
    public void Database_that_is_away_is_seen_through_what_wraps_it(Exception exception) => Assert.True(Outages.IsDatabaseAway(exception));

    [Theory]
    [MemberData(nameof(There))]
    public void Answer_of_the_database_and_failure_elsewhere_are_no_outage(Exception exception) =>
        Assert.False(Outages.IsDatabaseAway(exception));

    private static PostgresException Postgres(string state, string severity = "ERROR") => new("message", severity, severity, state);
}
