using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class ReadSlotsTests
{
    [Fact]
    public async Task Tenant_reads_so_many_lists_at_a_time_some_wait_and_more_are_refused_while_another_tenant_reads()
    {
        using var slots = new ReadSlots(Options.Create(new LimitOptions { ReadsPerTenant = 2 }));
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (running, most) = (0, 0);
        async ValueTask<object?> ReadAsync(EndpointFilterInvocationContext context)
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            await end.Task;
            Interlocked.Decrement(ref running);
            return "read";
        }

        var reads = Enumerable.Range(0, 2 + ReadSlots.Waiting).Select(_ => slots.RunAsync(Of("a"), ReadAsync).AsTask()).ToList();
        var refused = Of("a");
        var problem = Assert.IsType<ProblemHttpResult>(await slots.RunAsync(refused, ReadAsync));
        Assert.Equal(429, problem.StatusCode);
        Assert.Equal(
            "the tenant 'a' has 2 reads that run (Limits:ReadsPerTenant) and 64 that wait: try again when some have ended",
            problem.ProblemDetails.Detail);
        Assert.Equal("1", refused.HttpContext.Response.Headers.RetryAfter);
        Assert.Equal("read", await slots.RunAsync(Of("b"), _ => ValueTask.FromResult<object?>("read")));

        end.SetResult();
        Assert.All(await Task.WhenAll(reads), read => Assert.Equal("read", read));
        Assert.Equal(2, most);
    }

    private static DefaultEndpointFilterInvocationContext Of(string tenant) => new(new DefaultHttpContext
    {
        User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(InferenceClaims.Tenant, tenant)])),
    });
}
