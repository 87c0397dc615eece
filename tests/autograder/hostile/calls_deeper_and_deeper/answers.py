# %% solution="peak"
class Deep:
    def __init__(self, height): self.height = height
    def __sub__(self, other): return self.height(Deep(self.height))
    __rsub__ = __sub__
    def __pow__(self, other): return self.height(self)
def peak(height): return height(Deep(height))
