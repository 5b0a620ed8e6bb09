using System.Security.Claims;
using Grpc.Core;
using InferenceTemplate.Api.Grpc.Protocol;

namespace InferenceTemplate.Api.Grpc;

/// <summary>
/// One <c>ModelStreamInfer</c>: requests are worked on side by side, so many at a time, and answered as they end; those without an id,
/// which only their place tells apart, in their order. Whatever goes wrong with one of them is its answer; the others, and the stream, go
/// on.
/// </summary>
/// <param name="callerAsync">Who the caller is as of now, asked for each request. What it throws ends the stream.</param>
internal sealed class InferenceStream(
    IAsyncStreamReader<ModelInferRequest> requests,
    IServerStreamWriter<ModelStreamInferResponse> responses,
    Func<Task<ClaimsPrincipal>> callerAsync,
    Func<ModelInferRequest, ClaimsPrincipal, Task<ModelInferResponse>> inferAsync,
    Func<Exception, RpcException> translate,
    int concurrency) : IDisposable
{
    // Triton's: clients that may get several answers to a request read on until one has it. Here the first is the last.
    private const string Final = "triton_final_response";

    private readonly SemaphoreSlim _slots = new(concurrency);
    private readonly SemaphoreSlim _writing = new(1);

    /// <summary>Ends when the caller has said that nothing more comes and all is answered.</summary>
    /// <param name="stopping">Of the server: nothing more is read then, and the caller is told to open another stream.</param>
    public async Task RunAsync(CancellationToken stopping, CancellationToken cancellationToken)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = stopping.Register(stopped.SetResult);
        try
        {
            var before = Task.CompletedTask;
            while (await NextAsync(stopped.Task, cancellationToken) is { } caller)
            {
                if (requests.Current.Id.Length > 0)
                {
                    _ = AnswerAsync(requests.Current, caller, Task.CompletedTask, cancellationToken);
                }
                else
                {
                    before = AnswerAsync(requests.Current, caller, before, cancellationToken);
                }
            }
        }
        finally
        {
            // Every slot is free again once all are answered.
            for (var i = 0; i < concurrency; i++)
            {
                await _slots.WaitAsync(CancellationToken.None);
            }
        }

        if (stopping.IsCancellationRequested)
        {
            throw GrpcErrors.Of(StatusCodes.Status503ServiceUnavailable, "the server stops: open another stream", retryAfter: 1);
        }
    }

    public void Dispose()
    {
        _slots.Dispose();
        _writing.Dispose();
    }

    // A request is only read where there is a slot for it. It is given back by whoever answers.
    private async Task<ClaimsPrincipal?> NextAsync(Task stopped, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        ClaimsPrincipal? caller = null;
        try
        {
            var next = requests.MoveNext(cancellationToken);
            caller = await Task.WhenAny(next, stopped) == next && await next ? await callerAsync() : null;
            return caller;
        }
        finally
        {
            if (caller is null)
            {
                _slots.Release();
            }
        }
    }

    private async Task AnswerAsync(ModelInferRequest request, ClaimsPrincipal caller, Task before, CancellationToken cancellationToken)
    {
        try
        {
            var response = await RespondAsync(request, caller);
            response.InferResponse.Parameters[Final] = new() { BoolParam = true };
            await before;
            await _writing.WaitAsync(cancellationToken);
            try
            {
                await responses.WriteAsync(response, cancellationToken);
            }
            finally
            {
                _writing.Release();
            }
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // Nobody is left to be told.
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException)
        {
            // The stream has ended meanwhile.
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<ModelStreamInferResponse> RespondAsync(ModelInferRequest request, ClaimsPrincipal caller)
    {
        try
        {
            return new() { InferResponse = await inferAsync(request, caller) };
        }
        catch (Exception exception)
        {
            return new()
            {
                ErrorMessage = translate(exception).Status.Detail,
                InferResponse = new() { Id = request.Id },
            };
        }
    }
}
