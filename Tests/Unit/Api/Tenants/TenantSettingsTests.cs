using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;

namespace InferenceTemplate.Tests.Unit;

public sealed class TenantSettingsTests
{
    [Fact]
    public void Limits_at_their_ends_are_accepted() => Assert.Empty(new TenantSettings
    {
        Name = new string('n', 200),
        RequestsPerMinute = 6_000_000,
        Burst = 0,
        MaxConcurrency = 1_000_000,
        MonthlyInferences = 1L << 50,
        MonthlyTokens = 1L << 50,
        MonthlyBudget = 10_000_000_000m,
        Models = [.. Enumerable.Repeat("m", 1_000)],
        PriorityCeiling = "normal",
        RetentionDays = 3_650,
    }.Problems());

    [Fact]
    public void Each_limit_beyond_its_ends_is_named()
    {
        var problems = new TenantSettings
        {
            Name = "",
            RequestsPerMinute = 6_000_001,
            Burst = -1,
            MaxConcurrency = 1_000_001,
            MonthlyInferences = (1L << 50) + 1,
            MonthlyTokens = -1,
            MonthlyBudget = 0.00001m,
            Models = ["../escape"],
            PriorityCeiling = "shadow",
            RetentionDays = 0,
        }.Problems();

        Assert.Equal(
            ["name", "requests_per_minute", "burst", "max_concurrency", "monthly_inferences", "monthly_tokens", "monthly_budget", "retention_days",
                "priority_ceiling", "models"],
            problems.Select(p => p.Field));
        Assert.Contains("6000001", problems[1].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, 100, 100)]
    [InlineData(30, null, 30, 30)]
    [InlineData(30, 5, 30, 5)]
    [InlineData(0, 5, 0, 0)]
    public void Burst_is_a_minutes_requests_unless_it_is_given(int? rate, int? burst, int expectedRate, int expectedBurst)
    {
        var limits = new TenantOptions().LimitsOf(new Tenant { Id = "t", Name = "t", RequestsPerMinute = rate, Burst = burst });

        Assert.Equal((expectedRate, expectedBurst), (limits.RequestsPerMinute, limits.Burst));
    }

    [Theory]
    [InlineData(null, Priority.High, Priority.High)]
    [InlineData(Priority.Normal, Priority.High, Priority.Normal)]
    [InlineData(Priority.Normal, Priority.Low, Priority.Low)]
    [InlineData(Priority.Low, Priority.Normal, Priority.Low)]
    public void Priority_above_the_ceiling_is_lowered_to_it(Priority? ceiling, Priority asked, Priority expected) =>
        Assert.Equal(expected, (TenantLimits.None with { PriorityCeiling = ceiling }).Lower(asked));

    [Fact]
    public void Used_part_is_that_of_the_limit_that_is_nearest()
    {
        var account = new TenantAccount(
            "t", TenantLimits.None with { MonthlyInferences = 100, MonthlyBudget = 10 }, new DateOnly(2026, 11, 1),
            Inferences: 20, Cost: 9);

        Assert.Equal(0.9, account.UsedPart, 6);
        var ofTokens = account with { Tokens = 95, Limits = account.Limits with { MonthlyTokens = 100 } };
        Assert.Equal(0.95, ofTokens.UsedPart, 6);
        Assert.False(ofTokens.IsOverTokens);
        Assert.True((ofTokens with { Tokens = 100 }).IsOverTokens);
        Assert.False(account.IsOverBudget);
        Assert.True((account with { Cost = 10 }).IsOverBudget);
        Assert.False((account with { Cost = 10, Limits = account.Limits with { AllowOverdraft = true } }).IsOverBudget);
    }
}
