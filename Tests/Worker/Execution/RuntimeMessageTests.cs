using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Tests.Worker.Execution;

public sealed class RuntimeMessageTests
{
    [Theory]
    [InlineData(
        "[ErrorCode:InvalidArgument] Non-zero status code returned while running Gather node. Name:'g' Status Message: indices element out of data bounds, idx=99 must be within the inclusive range [-10,9]",
        "operator Gather: indices element out of data bounds, idx=99 must be within the inclusive range [-10,9]")]
    [InlineData(
        "[ErrorCode:RuntimeException] Non-zero status code returned while running ConstantOfShape node. Name:'' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 4000000000000\n",
        "operator ConstantOfShape: Failed to allocate memory for requested buffer of size 4000000000000")]
    [InlineData(
        "[ErrorCode:RuntimeException] Non-zero status code returned while running Cast node. Name:'' Status Message: C:\\a\\_work\\onnxruntime\\core\\cast_op.cc:42 T onnxruntime::f(g<h>(*)(int)) const [with T = float; U = a::b] could not read 'x'\nStacktrace:\n#1 a::b()",
        "operator Cast: could not read 'x'")]
    [InlineData(
        "[ErrorCode:Fail] Non-zero status code returned while running Loop node. Name:'l' Status Message: Non-zero status code returned while running Reshape node. Name:'r' Status Message: onnxruntime/reshape_helper.h:44 onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, onnxruntime::TensorShapeVector&, bool) input_shape_size == size was false. The input tensor cannot be reshaped",
        "operator Reshape: input_shape_size == size was false. The input tensor cannot be reshaped")]
    [InlineData("[ErrorCode:InvalidArgument] Got invalid dimensions for input: x", "Got invalid dimensions for input: x")]
    [InlineData(
        "[ErrorCode:RuntimeException] Exception during initialization: /onnxruntime_src/onnxruntime/core/providers/cpu/nn/string_normalizer.cc:88 Failed to construct locale with name:en_US.UTF-8:locale::facet::_S_create_c_locale name not valid:Please, install necessary language-pack-en and configure locales",
        "the locale en_US.UTF-8 is not installed where the worker runs, and its text operators need it")]
    [InlineData(
        "[ErrorCode:Fail] Load model from /tmp/cache/0a1b failed:Type Error: Type 'tensor(int64)' is invalid.", "Type Error: Type 'tensor(int64)' is invalid.")]
    [InlineData(
        "[ErrorCode:RuntimeException] Exception during initialization: /onnxruntime_src/onnxruntime/core/providers/cpu/rnn/lstm_base.h:53 onnxruntime::LSTMBase::LSTMBase(const onnxruntime::OpKernelInfo&) layout_ == 0 was false. Batchwise recurrent operations (layout == 1) are not supported.\n",
        "layout_ == 0 was false. Batchwise recurrent operations (layout == 1) are not supported.")]
    [InlineData("std::bad_alloc", "ONNX Runtime gives no reason")]
    [InlineData(
        "[ErrorCode:Fail] Non-zero status code returned while running X node. Name:'' Status Message: onnxruntime::lost", "operator X: ONNX Runtime gives no reason")]
    public void Message_keeps_the_operator_and_the_reason_and_no_code(string said, string told) =>
        Assert.Equal(told, RuntimeMessage.Of(new InvalidDataException(said)));
}
